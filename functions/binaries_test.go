package functions_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"onebook/infra/local/lambda"
	"onebook/internal/store"
	"onebook/internal/store/storetest"
)

// Every binary starts with what the template gives it, and answers its sample: the same life, through the runtime API,
// on DynamoDB Local.
func TestBinaries(t *testing.T) {
	client := storetest.DynamoDBLocal(t)
	name, _ := storetest.NewTable(t, client)
	w := &world{
		outside: newOutside(t, time.Now, subject(t)), now: time.Now, live: true,
		product: watching(store.NewDynamoDB(client, name, time.Now, rand.Reader), time.Now),
	}
	deployed := deployment(t, name)
	running := map[string]*lambda.Process{}
	w.call = func(t *testing.T, door string, payload json.RawMessage) (json.RawMessage, error) {
		t.Helper()
		f, ok := deployed.Function(door)
		if !ok {
			t.Fatalf("the template has no %s", door)
		}
		p := running[door]
		if p == nil {
			p = startFor(t, f.Name, w.env(f.Env, aws.ToString(client.Options().BaseEndpoint)))
			running[door] = p
		}
		return p.Invoke(context.Background(), payload, f.Timeout)
	}
	t.Cleanup(func() {
		for door, p := range running {
			if t.Failed() {
				t.Logf("%s: %s", door, p.Output())
			}
			if err := p.Stop(); err != nil {
				t.Error(err)
			}
		}
	})
	w.life(t)
	for _, d := range doors(t) {
		if running[d] == nil {
			t.Errorf("%s was not tried", d)
		}
	}
}

// startFor starts a binary that outlives the subtest that asks first; the caller stops it.
func startFor(t *testing.T, door string, env map[string]string) *lambda.Process {
	t.Helper()
	p, err := lambda.Start(binary(t, door), env)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ready(t, p); err != nil {
		t.Errorf("%s: %v", door, err)
	}
	return p
}
