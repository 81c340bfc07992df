package store_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"onebook/internal/store"
	"onebook/internal/store/storetest"
)

// By AWS's rules: an item's size is that of its names and values in UTF-8 (a number takes a byte and one for two
// digits), rounded up to KB; a transaction takes two units for each; an index one for an entry that comes, goes or
// changes, and both when it moves.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
func TestUnits(t *testing.T) {
	// pk+4, sk+1, v+2, t+5, w+16, and the name of the body
	const around = 2 + 4 + 2 + 1 + 1 + 2 + 1 + 5 + 1 + 16 + 1
	it := func(version int64, size int, set ...func(*store.Item)) store.Item {
		i := store.Item{Key: store.Key{PK: "C#ct", SK: "S"}, Version: version, Kind: "thing", Body: storetest.Body(t, size)}
		for _, f := range set {
			f(&i)
		}
		return i
	}
	due := func(sk string) func(*store.Item) {
		return func(i *store.Item) { i.Due = store.Key{PK: "d", SK: sk} }
	}
	book := func(i *store.Item) { i.Book = store.Key{PK: "b", SK: "1"} }
	old := func(i store.Item) *store.Item { return &i }
	for _, c := range []struct {
		name        string
		op          store.Op
		old         *store.Item
		deed, index int
	}{
		{"a small item", store.Put(it(0, 10)), nil, 2, 0},
		{"just 1 KB", store.Put(it(0, 1024-around)), nil, 2, 0},
		{"a byte more", store.Put(it(0, 1024-around+1)), nil, 4, 0},
		{"just 3 KB", store.Put(it(0, 3*1024-around)), nil, 6, 0},
		{"an umlaut counts two", store.Put(store.Item{Key: store.Key{PK: "C#ct", SK: "S"}, Kind: "thing", Body: []byte(`"` + strings.Repeat("ü", (1024-around)/2) + `"`)}), nil, 4, 0},
		{"it shrinks: the larger counts", store.Put(it(1, 10)), old(it(1, 3000)), 6, 0},
		{"a delete of 3 KB", store.Delete(store.Key{PK: "C#ct", SK: "S"}, 1), old(it(1, 2500)), 6, 0},
		{"a check of 3 KB", store.Check(store.Key{PK: "C#ct", SK: "S"}, 1), old(it(1, 2500)), 6, 0},
		{"a check of nothing", store.Absent(store.Key{PK: "C#ct", SK: "S"}), nil, 2, 0},
		{"comes into due", store.Put(it(0, 10, due("1"))), nil, 2, 1},
		{"a large one does so too", store.Put(it(0, 5000, due("1"))), nil, 10, 1},
		{"stays in due", store.Put(it(1, 20, due("1"))), old(it(1, 10, due("1"))), 2, 0},
		{"moves in due", store.Put(it(1, 10, due("2"))), old(it(1, 10, due("1"))), 2, 2},
		{"leaves due", store.Put(it(1, 10)), old(it(1, 10, due("1"))), 2, 1},
		{"is deleted", store.Delete(store.Key{PK: "C#ct", SK: "S"}, 1), old(it(1, 10, due("1"), book)), 2, 2},
		{"comes into the book with its body", store.Put(it(0, 2000, book)), nil, 4, 2},
		{"changes in the book", store.Put(it(1, 20, book)), old(it(1, 10, book)), 2, 1},
	} {
		if deed, index := store.OpUnits(c.op, c.old); deed != c.deed || index != c.index {
			t.Errorf("%s: %d and %d units, want %d and %d", c.name, deed, index, c.deed, c.index)
		}
	}
	deed, index := store.WriteUnits(
		store.Put(it(0, 2000, book)), store.Put(it(3, 10, due("2"))), store.Check(store.Key{PK: "a", SK: "b"}, 1),
		store.Delete(store.Key{PK: "a", SK: "c"}, 1))
	if deed != 4+2+2+2 || index != 2+2 {
		t.Errorf("the write takes %d and %d units", deed, index)
	}
}

// metering asks DynamoDB what each transaction has cost.
type metering struct {
	store.API
	index float64
}

func (m *metering) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, opts ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	in.ReturnConsumedCapacity = types.ReturnConsumedCapacityIndexes
	out, err := m.API.TransactWriteItems(ctx, in, opts...)
	if err == nil {
		for _, c := range out.ConsumedCapacity {
			for _, x := range c.GlobalSecondaryIndexes {
				m.index += aws.ToFloat64(x.CapacityUnits)
			}
		}
	}
	return out, err
}

// Which index entries are charged agrees with DynamoDB Local. It doubles them in a transaction, which DynamoDB does
// not (measured by github.com/nubo-db/dynoxide, pull request 188), and it rounds the items of a transaction
// together instead of each for itself, so only the indexes can be compared.
func TestIndexUnitsOfDynamoDBLocal(t *testing.T) {
	c := storetest.DynamoDBLocal(t)
	name, _ := storetest.NewTable(t, c)
	m := &metering{API: c}
	index := 0
	table := store.Meter(store.NewDynamoDB(m, name, now, rand.Reader), func(_ store.Op, _, i int) { index += i })
	n := 0
	claim := func() store.Op { n++; return store.Put(thing("CLAIM", fmt.Sprint(n), `{}`)) }
	it := thing("P", "S", `{}`)
	for _, step := range []struct {
		name string
		op   func() store.Op
	}{
		{"create", func() store.Op { return store.Put(it) }},
		{"grow", func() store.Op { it.Version, it.Body = 1, storetest.Body(t, 2500); return store.Put(it) }},
		{"shrink into due", func() store.Op {
			it.Version, it.Body, it.Due = 2, storetest.Body(t, 10), store.Key{PK: "d", SK: "1"}
			return store.Put(it)
		}},
		{"check", func() store.Op { return store.Check(it.Key, 3) }},
		{"stay in due", func() store.Op { it.Version, it.Body = 3, storetest.Body(t, 1500); return store.Put(it) }},
		{"move in due", func() store.Op { it.Version, it.Due.SK = 4, "2"; return store.Put(it) }},
		{"into list and book", func() store.Op {
			it.Version, it.List, it.Book = 5, store.Key{PK: "l", SK: "1"}, store.Key{PK: "b", SK: "1"}
			return store.Put(it)
		}},
		{"grow in the book", func() store.Op { it.Version, it.Body = 6, storetest.Body(t, 3000); return store.Put(it) }},
		{"out of due", func() store.Op { it.Version, it.Due = 7, store.Key{}; return store.Put(it) }},
		{"delete", func() store.Op { return store.Delete(it.Key, 8) }},
	} {
		index, m.index = 0, 0
		if err := table.Write(context.Background(), claim(), step.op()); err != nil {
			t.Fatal(step.name, err)
		}
		if float64(2*index) != m.index {
			t.Errorf("%s: we reckon %d units, DynamoDB Local twice %v", step.name, index, m.index/2)
		}
	}
}
