package store_test

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"onebook/internal/fault"
	"onebook/internal/store"
	"onebook/internal/store/storetest"
)

// service is a DynamoDB that answers what it is told to. It keeps what a committed transaction put, by sort key.
type service struct {
	script []answer
	items  map[string]map[string]types.AttributeValue
	calls  int
	reads  []error // answers of GetItem before it works
	asked  []*dynamodb.QueryInput
}

// answer is what one TransactWriteItems comes to.
type answer struct {
	commits bool
	err     error
	after   func() // between commit and answer
	own     bool   // the client has repeated it by itself, and DynamoDB shows what stands in the way
}

func (s *service) TransactWriteItems(_ context.Context, in *dynamodb.TransactWriteItemsInput, _ ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	a := answer{commits: true}
	if s.calls < len(s.script) {
		a = s.script[s.calls]
	}
	s.calls++
	if a.commits {
		for _, t := range in.TransactItems {
			s.items[t.Put.Item["sk"].(*types.AttributeValueMemberS).Value] = t.Put.Item
		}
	}
	if a.after != nil {
		a.after()
	}
	if a.own {
		e := &types.TransactionCanceledException{}
		for _, t := range in.TransactItems {
			r := types.CancellationReason{Code: aws.String("ConditionalCheckFailed")}
			if t.Put.ReturnValuesOnConditionCheckFailure == types.ReturnValuesOnConditionCheckFailureAllOld {
				r.Item = t.Put.Item
			}
			e.CancellationReasons = append(e.CancellationReasons, r)
		}
		return nil, e
	}
	if a.err != nil {
		return nil, a.err
	}
	return &dynamodb.TransactWriteItemsOutput{}, nil
}

func (s *service) GetItem(ctx context.Context, in *dynamodb.GetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(s.reads) > 0 {
		err := s.reads[0]
		s.reads = s.reads[1:]
		return nil, err
	}
	if !aws.ToBool(in.ConsistentRead) {
		return nil, errors.New("the read is not consistent")
	}
	return &dynamodb.GetItemOutput{Item: s.items[in.Key["sk"].(*types.AttributeValueMemberS).Value]}, nil
}

func (s *service) Query(_ context.Context, in *dynamodb.QueryInput, _ ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	s.asked = append(s.asked, in)
	return &dynamodb.QueryOutput{}, nil
}

func canceled(codes ...string) error {
	e := &types.TransactionCanceledException{}
	for _, c := range codes {
		e.CancellationReasons = append(e.CancellationReasons, types.CancellationReason{Code: aws.String(c)})
	}
	return e
}

func apiError(code string, f smithy.ErrorFault) error {
	return &smithy.OperationError{ServiceID: "DynamoDB", Err: &smithy.GenericAPIError{Code: code, Fault: f}}
}

var (
	errTaken   = fault.Exists.Errorf("it was taken")
	errStale   = fault.Stale.Errorf("it was stale")
	errNetwork = errors.New("connection reset by peer")
)

// Whatever happens between us and DynamoDB, a write that was done answers nil, one that was refused its Else, and
// one of which nothing is known in time Busy.
func TestAnswersOfDynamoDB(t *testing.T) {
	inProgress := &types.TransactionInProgressException{}
	for _, c := range []struct {
		name   string
		script []answer
		reads  []error
		want   error // nil is done
		final  bool  // an error that is neither Else nor Busy
		calls  int
		pauses int
	}{
		{name: "done at once", calls: 1},
		{name: "connection lost after the commit", script: []answer{{commits: true, err: errNetwork}}, calls: 1},
		{name: "connection lost before the commit", script: []answer{{err: errNetwork}}, calls: 2, pauses: 1},
		{name: "lost, and the look for it lost too", script: []answer{{commits: true, err: errNetwork}, {err: canceled("ConditionalCheckFailed", "ConditionalCheckFailed")}}, reads: []error{errNetwork}, calls: 2, pauses: 1},
		{name: "repeated by the client after the commit", script: []answer{{commits: true, own: true}}, calls: 1},
		{name: "server error after the commit", script: []answer{{commits: true, err: apiError("InternalServerError", smithy.FaultServer)}}, calls: 1},
		{name: "server error of unknown name", script: []answer{{err: apiError("Sorry", smithy.FaultServer)}}, calls: 2, pauses: 1},
		{name: "an earlier attempt still under way", script: []answer{{err: inProgress}, {err: inProgress}}, calls: 3, pauses: 2},
		{name: "throttled", script: []answer{{err: apiError("ThrottlingException", smithy.FaultClient)}}, calls: 2, pauses: 1},
		{name: "throttled in the transaction", script: []answer{{err: canceled("None", "ProvisionedThroughputExceeded")}}, calls: 2, pauses: 1},
		{name: "conflict", script: []answer{{err: canceled("TransactionConflict", "None")}}, calls: 2, pauses: 1},
		{name: "refused", script: []answer{{err: canceled("ConditionalCheckFailed", "None")}}, want: errTaken, calls: 1},
		{name: "second refused", script: []answer{{err: canceled("None", "ConditionalCheckFailed")}}, want: errStale, calls: 1},
		{name: "both refused", script: []answer{{err: canceled("ConditionalCheckFailed", "ConditionalCheckFailed")}}, want: errTaken, calls: 1},
		{name: "refused behind a conflict: unknown which is the first", script: []answer{{err: canceled("TransactionConflict", "ConditionalCheckFailed")}}, calls: 2, pauses: 1},
		{name: "refused before a conflict", script: []answer{{err: canceled("ConditionalCheckFailed", "TransactionConflict")}}, want: errTaken, calls: 1},
		{name: "lost before the commit, then refused", script: []answer{{err: errNetwork}, {err: canceled("ConditionalCheckFailed", "None")}}, want: errTaken, calls: 2, pauses: 1},
		{name: "not allowed", script: []answer{{err: apiError("AccessDeniedException", smithy.FaultClient)}}, final: true, calls: 1},
		{name: "not valid", script: []answer{{err: canceled("ValidationError", "None")}}, final: true, calls: 1},
		{name: "no such table", script: []answer{{err: &types.ResourceNotFoundException{}}}, final: true, calls: 1},
		{name: "down for good", script: slices.Repeat([]answer{{err: errNetwork}}, 99), want: store.ErrBusy, calls: 12, pauses: 12},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &service{script: c.script, reads: c.reads, items: map[string]map[string]types.AttributeValue{}}
			d := store.NewDynamoDB(s, "table", (&storetest.Clock{}).Now, rand.Reader)
			pauses := 0
			d.Pause = func(_ context.Context, d time.Duration) error {
				if pauses++; d < 0 || d > time.Second {
					t.Errorf("a pause of %s", d)
				}
				return nil
			}
			head := store.Item{Key: store.Key{PK: "C#1", SK: "HEAD"}, Version: 3}
			claim := store.Item{Key: store.Key{PK: "CLAIM#1", SK: "CLAIM"}}
			err := d.Write(context.Background(), store.Put(claim).Else(errTaken), store.Put(head).Else(errStale))
			switch {
			case c.final && (err == nil || fault.KindOf(err) != 0):
				t.Errorf("answered %v, want an internal error", err)
			case !c.final && !errors.Is(err, c.want):
				t.Errorf("answered %v, want %v", err, c.want)
			}
			if s.calls != c.calls || pauses != c.pauses {
				t.Errorf("%d calls and %d pauses, want %d and %d", s.calls, pauses, c.calls, c.pauses)
			}
		})
	}
}

// When the caller's time is up while the commit is under way, the write still finds out that it is done.
func TestRecognisedAfterTheDeadline(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	s := &service{items: map[string]map[string]types.AttributeValue{}}
	s.script = []answer{{commits: true, err: context.Canceled, after: cancel}}
	d := store.NewDynamoDB(s, "table", (&storetest.Clock{}).Now, rand.Reader)
	if err := d.Write(ctx, store.Put(store.Item{Key: store.Key{PK: "CLAIM#1", SK: "CLAIM"}})); err != nil {
		t.Error(err)
	}
}

// Two writes of one deed differ in their stamps, and a write keeps its own through all attempts.
func TestStamps(t *testing.T) {
	s := &service{items: map[string]map[string]types.AttributeValue{}, script: []answer{{commits: true, err: canceled("TransactionConflict")}}}
	d := store.NewDynamoDB(s, "table", (&storetest.Clock{}).Now, rand.Reader)
	d.Pause = func(context.Context, time.Duration) error { return nil }
	claim := store.Put(store.Item{Key: store.Key{PK: "CLAIM#1", SK: "CLAIM"}})
	stamp := func() string { return s.items["CLAIM"]["w"].(*types.AttributeValueMemberS).Value }
	s.script[0].after = func() {
		first := stamp()
		s.script = append(s.script, answer{commits: true, after: func() {
			if stamp() != first {
				t.Error("the second attempt has another stamp than the first")
			}
		}})
	}
	if err := d.Write(context.Background(), claim); err != nil || s.calls != 2 {
		t.Fatal(s.calls, err)
	}
	first := stamp()
	if err := d.Write(context.Background(), claim); err != nil || stamp() == first {
		t.Errorf("two writes have the stamp %q, %v", first, err)
	}
}

// The table is listed consistently; an index cannot be.
func TestListsConsistently(t *testing.T) {
	s := &service{}
	d := store.NewDynamoDB(s, "table", now, rand.Reader)
	for _, x := range []store.Index{store.Main, store.Due, store.ByList, store.Book} {
		if _, err := d.List(context.Background(), store.Query{Index: x, Partition: "P"}); err != nil {
			t.Fatal(err)
		}
		in := s.asked[len(s.asked)-1]
		if aws.ToBool(in.ConsistentRead) != (x == store.Main) || aws.ToString(in.IndexName) != string(x) {
			t.Errorf("%q is asked of index %q, consistently %v", x, aws.ToString(in.IndexName), aws.ToBool(in.ConsistentRead))
		}
	}
}

// Entropy that fails refuses the write: without a stamp it could take another's deed for its own.
func TestNoEntropy(t *testing.T) {
	s := &service{items: map[string]map[string]types.AttributeValue{}}
	d := store.NewDynamoDB(s, "table", (&storetest.Clock{}).Now, empty{})
	if err := d.Write(context.Background(), store.Put(store.Item{Key: store.Key{PK: "P", SK: "S"}})); err == nil || s.calls > 0 {
		t.Errorf("written without a stamp: %d calls, %v", s.calls, err)
	}
}

type empty struct{}

func (empty) Read([]byte) (int, error) { return 0, errors.New("no entropy") }
