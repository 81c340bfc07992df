package store_test

import (
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"testing"

	"onebook/internal/fault"
	"onebook/internal/store"
	"onebook/internal/store/storetest"
)

// Every call tells what a role must allow for it, before it is made.
func TestObserve(t *testing.T) {
	ctx := context.Background()
	var told []string
	table := store.Observe(storetest.Embedded(t, now), func(action string, x store.Index, pk string) error {
		told = append(told, action+" "+string(x)+" "+pk)
		return nil
	})
	head := thing("C#1", "HEAD", `{}`)
	if err := table.Write(ctx, store.Put(head)); err != nil {
		t.Fatal(err)
	}
	head.Version = 1
	if err := table.Write(ctx, store.Put(thing("A#1", "1", `{}`)), store.Put(head), store.Absent(store.Key{PK: "U#1", SK: "U"})); err != nil {
		t.Fatal(err)
	}
	if err := table.Write(ctx, store.Put(thing("A#1", "2", `{}`)), store.Delete(head.Key, 2)); err != nil {
		t.Fatal(err)
	}
	if _, err := table.Get(ctx, store.Key{PK: "A#1", SK: "1"}); err != nil {
		t.Fatal(err)
	}
	if _, err := table.List(ctx, store.Query{Partition: "A#1"}); err != nil {
		t.Fatal(err)
	}
	if _, err := table.List(ctx, store.Query{Index: store.Due, Partition: "effect#1"}); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"dynamodb:PutItem  C#1", "dynamodb:GetItem  C#1",
		"dynamodb:PutItem  A#1", "dynamodb:GetItem  A#1", "dynamodb:PutItem  C#1", "dynamodb:ConditionCheckItem  U#1",
		"dynamodb:PutItem  A#1", "dynamodb:GetItem  A#1", "dynamodb:DeleteItem  C#1",
		"dynamodb:GetItem  A#1", "dynamodb:Query  A#1", "dynamodb:Query due effect#1",
	}
	if !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
}

// What the role does not allow is not done.
func TestObserveVetoes(t *testing.T) {
	ctx := context.Background()
	inner := storetest.Embedded(t, now)
	denied := errors.New("not allowed")
	for _, action := range []string{store.IAMGet, store.IAMQuery, store.IAMPut, store.IAMDelete, store.IAMCheck} {
		table := store.Observe(inner, func(a string, _ store.Index, _ string) error {
			if a == action {
				return denied
			}
			return nil
		})
		calls := map[string]func() error{
			store.IAMGet:   func() error { _, err := table.Get(ctx, store.Key{PK: "P", SK: "S"}); return err },
			store.IAMQuery: func() error { _, err := table.List(ctx, store.Query{Partition: "P"}); return err },
			store.IAMPut:   func() error { return table.Write(ctx, store.Put(thing("P", "S", `{}`))) },
			store.IAMDelete: func() error {
				return table.Write(ctx, store.Put(thing("P", "S", `{}`)), store.Delete(store.Key{PK: "P", SK: "T"}, 1))
			},
			store.IAMCheck: func() error {
				return table.Write(ctx, store.Put(thing("P", "S", `{}`)), store.Absent(store.Key{PK: "P", SK: "T"}))
			},
		}
		if err := calls[action](); !errors.Is(err, denied) {
			t.Errorf("%s was vetoed and answered %v", action, err)
		}
	}
	if p, err := inner.List(ctx, store.Query{Partition: "P"}); err != nil || len(p.Items) > 0 {
		t.Errorf("written in spite of the veto: %+v %v", p, err)
	}
}

// A stranger's cursor is an answer or Invalid, on both drivers alike, and never shows another partition.
func FuzzCursor(f *testing.F) {
	ctx := context.Background()
	e := storetest.Embedded(f, now)
	for _, pk := range []string{"P", "Q"} {
		for _, sk := range []string{"a", "b", "c"} {
			it := thing(pk, sk, `{}`)
			it.Due = store.Key{PK: pk, SK: sk}
			if err := e.Write(ctx, store.Put(it)); err != nil {
				f.Fatal(err)
			}
		}
	}
	for _, x := range []store.Index{store.Main, store.Due} {
		p, err := e.List(ctx, store.Query{Index: x, Partition: "P", Prefix: "", Limit: 1})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(x), p.Cursor)
		raw, err := base64.RawURLEncoding.DecodeString(p.Cursor)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(x), base64.RawURLEncoding.EncodeToString(append(raw, "\x00Q\x00zz"...)))
	}
	f.Fuzz(func(t *testing.T, index, cursor string) {
		p, err := e.List(ctx, store.Query{Index: store.Index(index), Partition: "P", Cursor: cursor})
		if err != nil && !errors.Is(err, fault.Invalid) && !errors.Is(err, store.ErrBadQuery) {
			t.Errorf("answered %v", err)
		}
		for _, it := range p.Items {
			if it.PK != "P" {
				t.Errorf("shows %+v", it)
			}
		}
	})
}
