package functions_test

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"onebook/internal/app"
	"onebook/internal/effect"
	"onebook/internal/issue"
	"onebook/internal/phone"
	"onebook/internal/store"
)

// sample reads the payload of a function.
func sample(t *testing.T, door string) json.RawMessage {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, "events", door+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// request reads a sample that is a request.
func request(t *testing.T, door string) events.APIGatewayV2HTTPRequest {
	t.Helper()
	var r events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(sample(t, door), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// routed makes a sample a request for another route.
func routed(r events.APIGatewayV2HTTPRequest, method, path, body string) events.APIGatewayV2HTTPRequest {
	r.RouteKey, r.RawPath, r.RawQueryString, r.QueryStringParameters, r.Body = method+" "+path, path, "", nil, body
	r.RequestContext.RouteKey, r.RequestContext.HTTP.Method, r.RequestContext.HTTP.Path = r.RouteKey, method, path
	headers := map[string]string{}
	for k, v := range r.Headers {
		if k != "content-length" && k != "idempotency-key" && (k != "content-type" || body != "") {
			headers[k] = v
		}
	}
	if body != "" {
		headers["content-type"] = "application/json"
	}
	r.Headers = headers
	return r
}

// claiming gives a request other claims; nil leaves none.
func claiming(r events.APIGatewayV2HTTPRequest, change map[string]string) events.APIGatewayV2HTTPRequest {
	if change == nil {
		r.RequestContext.Authorizer = nil
		return r
	}
	a, jwt := *r.RequestContext.Authorizer, *r.RequestContext.Authorizer.JWT
	claims := map[string]string{}
	for k, v := range jwt.Claims {
		claims[k] = v
	}
	for k, v := range change {
		claims[k] = v
	}
	jwt.Claims = claims
	a.JWT = &jwt
	r.RequestContext.Authorizer = &a
	return r
}

// world is a deployment whose functions can be invoked, with a look at what they stand on.
type world struct {
	*outside
	product *app.Product // on the same table, to seed and to look
	now     func() time.Time
	live    bool // the clock runs, so that what was signed on the samples' day is too old
	call    func(t *testing.T, door string, payload json.RawMessage) (json.RawMessage, error)
}

// watching is a product that sees a world's table, and does nothing outside.
func watching(table store.Table, now func() time.Time) *app.Product {
	x := app.New(app.Parts{
		Env: map[string]string{"SITE_URL": site, "LINK_KEY_SECRET": arnLinkKey}, Now: now, Machine: time.Now, Entropy: rand.Reader, Table: table,
		Log: slog.New(slog.DiscardHandler), Secret: known,
	})
	x.Contacts.Phones = phone.Plans{}
	return x
}

func known(_ context.Context, ref string) (string, error) {
	s, ok := secrets[ref]
	if !ok {
		return "", errors.New("there is no secret " + ref)
	}
	return s, nil
}

// ask invokes a function behind the API.
func (w *world) ask(t *testing.T, door string, r events.APIGatewayV2HTTPRequest) (int, map[string]any) {
	t.Helper()
	payload, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	b, err := w.call(t, door, payload)
	if err != nil {
		t.Fatalf("%s: %s: %v", door, r.RouteKey, err)
	}
	var out events.APIGatewayV2HTTPResponse
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatalf("%s: %s: %v: %s", door, r.RouteKey, err, b)
	}
	var body map[string]any
	if out.Body != "" {
		if err := json.Unmarshal([]byte(out.Body), &body); err != nil {
			t.Fatalf("%s: %s: %v: %s", door, r.RouteKey, err, out.Body)
		}
	}
	return out.StatusCode, body
}

// effect finds the one effect of a lane that waits.
func (w *world) effect(t *testing.T, lane string) effect.Effect {
	t.Helper()
	var found []effect.Effect
	for n := range effect.Shards {
		p, err := w.product.Table.List(t.Context(), store.Query{Index: store.Due, Partition: effect.DuePartition(n)})
		if err != nil {
			t.Fatal(err)
		}
		for _, it := range p.Items {
			_, effectID, _ := strings.Cut(it.PK, "#")
			e, err := effect.Get(t.Context(), w.product.Table, effectID)
			if err != nil {
				t.Fatal(err)
			}
			if e.Lane == lane {
				found = append(found, e)
			}
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d effects wait for %s: %+v", len(found), lane, found)
	}
	return found[0]
}

// sampleEffect is the effect that the sample of a stream brings.
func sampleEffect(t *testing.T, door string) string {
	t.Helper()
	var batch struct{ Records []json.RawMessage }
	if err := json.Unmarshal(sample(t, door), &batch); err != nil || len(batch.Records) != 1 {
		t.Fatalf("%d records, %v", len(batch.Records), err)
	}
	c, err := store.DecodeStream(batch.Records[0])
	if err != nil || c.New == nil {
		t.Fatal(err)
	}
	e, err := effect.Decode(*c.New)
	if err != nil {
		t.Fatal(err)
	}
	return e.ID
}

func swap(t *testing.T, payload json.RawMessage, old, new string) json.RawMessage {
	t.Helper()
	out := strings.ReplaceAll(string(payload), old, new)
	if out == string(payload) {
		t.Fatalf("the sample does not speak of %s", old)
	}
	return json.RawMessage(out)
}

func signed(body string, at time.Time) string {
	m := hmac.New(sha256.New, []byte(webhookSecret))
	fmt.Fprintf(m, "%d.%s", at.Unix(), body)
	return fmt.Sprintf("t=%d,v1=%s", at.Unix(), hex.EncodeToString(m.Sum(nil)))
}

// raised sees that an issue is open.
func (w *world) raised(t *testing.T, code string) {
	t.Helper()
	open, _, err := w.product.Desk.List(t.Context(), issue.Open, 100, "")
	if err != nil {
		t.Fatal(err)
	}
	var codes []string
	for _, i := range open {
		if i.Code == code {
			return
		}
		codes = append(codes, i.Code)
	}
	t.Errorf("no issue %s is open, only %v", code, codes)
}

// subject is whom the samples' tokens belong to.
func subject(t *testing.T) string {
	t.Helper()
	return request(t, "settings").RequestContext.Authorizer.JWT.Claims["sub"]
}
