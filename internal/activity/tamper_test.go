package activity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"onebook/internal/fault"
	"onebook/internal/store"
	"onebook/internal/store/storetest"
)

// A6: whoever can write to the table itself cannot change the history of a contact without its being found: any flipped
// byte, any removed, exchanged, repeated or added entry, and any change to the head.
func TestTamperingIsFound(t *testing.T) {
	deed := func(t *rapid.T, r *Records, clock *storetest.Clock) {
		clock.Move(time.Second)
		d := Deed{Kind: "note", Text: rapid.String().Draw(t, "text"), Reason: rapid.SampledFrom([]string{"", "because"}).Draw(t, "reason")}
		if rapid.Bool().Draw(t, "money") {
			d.On, d.Postings = "2026-01-01", sale(rapid.Int64Range(1, 1e6).Draw(t, "amount"))
		}
		if rapid.Bool().Draw(t, "change") {
			d.Changes = []Change{{Field: "name", From: "a", To: "b"}}
		}
		r.do(t, jane, d)
	}
	rapid.Check(t, func(rt *rapid.T) {
		r, table, clock := newRecords(t)
		n := rapid.Int64Range(2, 6).Draw(rt, "deeds")
		for range n {
			deed(rt, r, clock)
		}
		if got, err := r.Verify(ctx, ContactChain(contact)); got != n || err != nil {
			rt.Fatalf("untouched: %d of %d, %v", got, n, err)
		}
		undo := tamper(rt, t, table, n)
		if _, err := r.Verify(ctx, ContactChain(contact)); !errors.Is(err, fault.Unready) {
			rt.Fatalf("not found: %v", err)
		}
		undo()
		if got, err := r.Verify(ctx, ContactChain(contact)); got != n || err != nil {
			rt.Fatalf("put back: %d of %d, %v", got, n, err)
		}
	})
}

// No bit of a written entry can be turned without its being found.
func TestEveryBitIsUnderTheSeal(t *testing.T) {
	r, table, _ := newRecords(t)
	r.do(t, jane, Deed{
		Kind: "sale", Subject: "in_1", Refs: map[string]string{"a": "b"}, On: "2026-01-01", Postings: sale(100), Text: "Sold", Reason: "because",
		Changes: []Change{{Field: "name", From: "a", To: "b"}},
	})
	it, err := table.Get(ctx, store.Key{PK: "A#" + contact, SK: seqKey(1)})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, ok, err := decode(it); !ok || err != nil {
		t.Fatal(ok, err)
	}
	tried := 0
	for p := range it.Body {
		for bit := range 8 {
			bad := it
			bad.Body = append([]byte(nil), it.Body...)
			bad.Body[p] ^= 1 << bit
			if !json.Valid(bad.Body) {
				continue // the table refuses it
			}
			tried++
			if _, _, ok, err := decode(bad); ok && err == nil {
				t.Errorf("%q reads as if nothing had happened", bad.Body)
			}
		}
	}
	if tried < 1000 {
		t.Errorf("only %d flips were tried", tried)
	}
}

// tamper does one forbidden thing and answers how to undo it.
func tamper(rt *rapid.T, t *testing.T, table store.Table, n int64) (undo func()) {
	get := func(k store.Key) store.Item {
		it, err := table.Get(ctx, k)
		if err != nil {
			t.Fatal(err)
		}
		return it
	}
	at := func(seq int64) store.Key { return store.Key{PK: "A#" + contact, SK: seqKey(seq)} }
	set := func(k store.Key, to store.Item) {
		now, err := table.Get(ctx, k)
		if err != nil && !errors.Is(err, fault.NotFound) {
			t.Fatal(err)
		}
		to.Key, to.Version = k, now.Version
		overwrite(t, table, store.Put(to))
	}
	remove := func(k store.Key) { overwrite(t, table, store.Delete(k, get(k).Version)) }
	head := ContactChain(contact).head

	i := rapid.Int64Range(1, n).Draw(rt, "entry")
	was := get(at(i))
	how := rapid.SampledFrom([]string{
		"flip", "flip", "flip", "remove", "exchange", "repeat", "append", "append odd", "journal", "expire", "kind", "forge amounts", "reseal",
		"head back", "head balance", "head extra", "head gone", "renumber",
	}).Draw(rt, "how")
	switch how {
	case "flip":
		body := append([]byte(nil), was.Body...)
		p := rapid.IntRange(0, len(body)-1).Draw(rt, "byte")
		body[p] ^= byte(1 << rapid.IntRange(0, 6).Draw(rt, "bit"))
		if !json.Valid(body) || !utf8.Valid(body) { // the table refuses it as well
			body = []byte(`{}`)
		}
		bad := was
		bad.Body = body
		set(at(i), bad)
	case "remove":
		remove(at(i))
	case "exchange":
		j := i%n + 1
		other := get(at(j))
		set(at(i), other)
		set(at(j), was)
		return func() { set(at(i), was); set(at(j), other) }
	case "repeat", "append":
		// A copy of the last entry, or one that is sealed and chained as if it had been done.
		last := get(at(n))
		if how == "append" {
			e, _, _, err := decode(last)
			if err != nil {
				t.Fatal(err)
			}
			last, _, err = seal(ContactChain(contact), Head{Seq: n, Hash: e.Hash}, e.At, jane, Deed{Kind: "note", Text: "never done"}, &dice{r: newRand()})
			if err != nil {
				t.Fatal(err)
			}
		}
		set(at(n+1), last)
		return func() { remove(at(n + 1)) }
	case "append odd":
		k := store.Key{PK: "A#" + contact, SK: rapid.SampledFrom([]string{"0", "000000000000", "x", seqKey(i) + "a"}).Draw(rt, "key")}
		set(k, was)
		return func() { remove(k) }
	case "journal":
		bad := was
		bad.Book = store.Key{PK: "2026-02-01#0", SK: fmt.Sprint("x", i)}
		set(at(i), bad)
	case "expire":
		bad := was
		bad.Expires = time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
		set(at(i), bad)
	case "kind":
		bad := was
		bad.Kind = "note"
		set(at(i), bad)
	case "forge amounts":
		// The sealed part is changed and its hash made to fit; only the next entry, or the head, can tell.
		var st stored
		var s sealed
		if err := errors.Join(json.Unmarshal(was.Body, &st), json.Unmarshal(st.Sealed, &s)); err != nil {
			t.Fatal(err)
		}
		s.Kind += "x"
		raw, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		st.Sealed, st.Hash = raw, hashOf(raw)
		bad := was
		if bad.Body, err = json.Marshal(st); err != nil {
			t.Fatal(err)
		}
		set(at(i), bad)
	case "reseal":
		edit(t, table, seqKey(i), func(st *stored) { st.Open.Text += "!" })
	case "renumber":
		set(at(i), get(at(i%n+1)))
	default:
		return tamperHead(rt, t, table, how, head, set, remove)
	}
	return func() { set(at(i), was) }
}

func tamperHead(rt *rapid.T, t *testing.T, table store.Table, how string, head store.Key, set func(store.Key, store.Item), remove func(store.Key)) func() {
	was, err := table.Get(ctx, head)
	if err != nil {
		t.Fatal(err)
	}
	var h Head
	if err := json.Unmarshal(was.Body, &h); err != nil {
		t.Fatal(err)
	}
	switch how {
	case "head gone":
		remove(head)
		return func() { set(head, was) }
	case "head back":
		h.Seq--
	case "head extra":
		bad := map[string]Balance{"XXX": {Due: 1}}
		for c, b := range h.Balances {
			bad[c] = b
		}
		h.Balances = bad
	case "head balance":
		if rapid.Bool().Draw(rt, "drop") && h.Balances != nil {
			h.Balances = nil
		} else {
			bad := map[string]Balance{}
			for c, b := range h.Balances {
				bad[c] = b
			}
			bad["EUR"] = Balance{Due: bad["EUR"].Due + 1}
			h.Balances = bad
		}
	}
	bad := was
	if bad.Body, err = json.Marshal(h); err != nil {
		t.Fatal(err)
	}
	set(head, bad)
	return func() { set(head, was) }
}

// A deed that comes while the chain is looked through is no tampering.
func TestCheckingGoesOnWhileDeedsAreDone(t *testing.T) {
	r, table, _ := newRecords(t)
	r.do(t, jane, Deed{Kind: "note"})
	busy := *r
	busy.Table = &meeting{Table: table, then: func() { r.do(t, jane, Deed{Kind: "sale", On: "2026-01-01", Postings: sale(100)}) }}
	if n, err := busy.Verify(ctx, ContactChain(contact)); err != nil || n != 2 {
		t.Errorf("%d %v", n, err)
	}
}

// meeting is a table in which something happens right after the first read.
type meeting struct {
	store.Table
	then func()
}

func (m *meeting) Get(ctx context.Context, k store.Key) (store.Item, error) {
	it, err := m.Table.Get(ctx, k)
	if m.then != nil {
		then := m.then
		m.then = nil
		then()
	}
	return it, err
}

// The chain of another contact does not fit: an entry cannot be moved between contacts.
func TestAnEntryBelongsToItsChain(t *testing.T) {
	r, table, _ := newRecords(t)
	r.do(t, jane, Deed{Kind: "note"})
	const other = "ct_06dqdpn801k5xgdst4z1"
	for _, k := range []store.Key{{PK: "A#" + contact, SK: seqKey(1)}, ContactChain(contact).head} {
		it, err := table.Get(ctx, k)
		if err != nil {
			t.Fatal(err)
		}
		it.PK, it.Version = it.PK[:2]+other, 0
		overwrite(t, table, store.Put(it))
	}
	if _, err := r.Verify(ctx, ContactChain(other)); !errors.Is(err, fault.Unready) {
		t.Errorf("a copied chain: %v", err)
	}
}
