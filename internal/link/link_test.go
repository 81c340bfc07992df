package link_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"onebook/internal/fault"
	"onebook/internal/link"
	"onebook/internal/rig"
	"onebook/internal/store"
)

const (
	oldKey = "oooooooooooooooooooooooooooooooo"
	newKey = "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
)

func world(t *testing.T) (*rig.Rig, link.Link) {
	r := rig.New(t)
	r.Key(oldKey)
	return r, add(t, r, link.Link{Scope: link.Invoice, Document: "in_1", ContactID: "ct_1"})
}

func add(t *testing.T, r *rig.Rig, l link.Link) link.Link {
	t.Helper()
	l, op, err := r.Links.New(l)
	if err == nil {
		err = r.Table.Write(r.Ctx, op)
	}
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func token(t *testing.T, r *rig.Rig, id string) string {
	t.Helper()
	s, err := r.Links.Token(r.Ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A token is the same whenever it is derived, opens its own document, and lives in the part of the address that no server sees.
func TestToken(t *testing.T) {
	r, l := world(t)
	a, b := token(t, r, l.ID), token(t, r, l.ID)
	if a != b || !strings.HasPrefix(a, "1."+l.ID+".") {
		t.Errorf("%q and %q", a, b)
	}
	got, err := r.Links.Resolve(r.Ctx, a)
	if err != nil || got.Document != "in_1" || got.Scope != link.Invoice {
		t.Errorf("%+v %v", got, err)
	}
	for scope, page := range map[string]string{link.Invoice: "i", link.Estimate: "e"} {
		if url, err := r.Links.URL(r.Ctx, link.Link{ID: l.ID, Scope: scope}); err != nil || url != rig.Site+"/"+page+"/#"+a {
			t.Errorf("%s: %q %v", scope, url, err)
		}
	}
	it, err := r.Table.Get(r.Ctx, store.Key{PK: "LINK#" + l.ID, SK: "LINK"})
	if err != nil || strings.Contains(string(it.Body), a[len(a)-10:]) {
		t.Errorf("the table holds the token: %s %v", it.Body, err)
	}
}

// Forged, cut, of another key, of no link, revoked, expired: always the same NotFound, in the same words.
func TestEverythingWrongIsTheSame(t *testing.T) {
	r, l := world(t)
	good := token(t, r, l.ID)
	gone := add(t, r, link.Link{Scope: link.Invoice, Document: "in_2", ContactID: "ct_1", Revoked: true})
	brief := add(t, r, link.Link{Scope: link.Invoice, Document: "in_3", ContactID: "ct_1", Expires: r.Clock.Now().Add(time.Hour)})
	brieft := token(t, r, brief.ID)
	if _, err := r.Links.Resolve(r.Ctx, brieft); err != nil {
		t.Errorf("before its end: %v", err)
	}
	r.Clock.Move(time.Hour)
	r.Key(newKey)
	foreign := token(t, r, l.ID)
	r.Key(oldKey)
	parts := strings.Split(good, ".")
	bad := map[string]string{
		"nothing": "", "dots": "..", "a word": "hello", "no mac": parts[0] + "." + parts[1] + ".", "cut": good[:len(good)-1], "longer": good + "A",
		"padded": good + "=", "another version": "2." + parts[1] + "." + parts[2], "a longer version": "01." + parts[1] + "." + parts[2],
		"a sign": "+1." + parts[1] + "." + parts[2], "another link's mac": parts[0] + "." + brief.ID + "." + parts[2], "of another key": foreign,
		"of no link": token(t, r, "lk_00000000000000000000"), "revoked": token(t, r, gone.ID), "expired": brieft, "huge": strings.Repeat("x", 1<<16),
		"a fourth part": good + ".x", "nul": "1.\x00.\x00",
	}
	for i := range parts[2] { // every single character changed
		c := byte('A')
		if parts[2][i] == 'A' {
			c = 'B'
		}
		bad[fmt.Sprintf("character %d", i)] = parts[0] + "." + parts[1] + "." + parts[2][:i] + string(c) + parts[2][i+1:]
	}
	for what, s := range bad {
		for how, err := range map[string]error{"resolve": second(r.Links.Resolve(r.Ctx, s)), "open": second(r.Links.Open(r.Ctx, s))} {
			if err != link.ErrUnknown {
				t.Errorf("%s, %s: %v", what, how, err)
			}
		}
	}
	for _, ref := range []string{"", "x", strings.Repeat("x", 32), strings.Repeat("x", 33), good, "\x00" + strings.Repeat("x", 31)} {
		if _, err := r.Links.ByRef(r.Ctx, ref); err != link.ErrUnknown {
			t.Errorf("ref %q: %v", ref, err)
		}
		if _, err := r.Links.Actor(r.Ctx, ref); err != link.ErrUnknown {
			t.Errorf("actor of %q: %v", ref, err)
		}
	}
	if _, err := r.Links.ResolveExpired(r.Ctx, brieft); err != nil {
		t.Errorf("an expired one cannot be renewed: %v", err)
	}
	for _, what := range []string{"revoked", "cut", "of another key", "of no link"} {
		if _, err := r.Links.ResolveExpired(r.Ctx, bad[what]); err != link.ErrUnknown {
			t.Errorf("%s can be renewed: %v", what, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// After a rotation old tokens still open, new ones are derived with the new key, and a dropped key opens nothing.
func TestRotation(t *testing.T) {
	r, l := world(t)
	before := token(t, r, l.ID)
	r.Key(oldKey, newKey)
	after := token(t, r, l.ID)
	if !strings.HasPrefix(after, "2.") || after[2:] == before[2:] {
		t.Errorf("after the rotation: %s", after)
	}
	for _, s := range []string{before, after} {
		if _, err := r.Links.Resolve(r.Ctx, s); err != nil {
			t.Errorf("%s: %v", s, err)
		}
	}
	if _, err := r.Links.Resolve(r.Ctx, "1"+after[1:]); err != link.ErrUnknown {
		t.Errorf("the new key's mac under the old number: %v", err)
	}
	r.Links.Keys = func(ctx context.Context) ([]link.Key, error) {
		return []link.Key{{Version: 2, Secret: []byte(newKey)}}, nil
	}
	if _, err := r.Links.Resolve(r.Ctx, before); err != link.ErrUnknown {
		t.Errorf("a dropped key: %v", err)
	}
}

// A reference is random, lives for half an hour, is not in the table in clear, and ends with its link.
func TestRefs(t *testing.T) {
	r, l := world(t)
	a, err := r.Links.Open(r.Ctx, token(t, r, l.ID))
	if err != nil {
		t.Fatal(err)
	}
	b, err := r.Links.Open(r.Ctx, token(t, r, l.ID))
	if err != nil || a.Ref == b.Ref || len(a.Ref) != 32 {
		t.Fatalf("%q and %q: %v", a.Ref, b.Ref, err)
	}
	cs, err := r.Base.Changes(r.Ctx, 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cs {
		raw, err := json.Marshal(c.New)
		if err != nil || strings.Contains(string(raw), a.Ref) {
			t.Errorf("the table holds a reference: %s %v", raw, err)
		}
	}
	by, err := r.Links.Actor(r.Ctx, a.Ref)
	if err != nil || by.Kind != "client" || by.ID != l.ID {
		t.Errorf("%+v %v", by, err)
	}
	r.Clock.Move(30*time.Minute - time.Second)
	if _, err := r.Links.ByRef(r.Ctx, a.Ref); err != nil {
		t.Errorf("in its last second: %v", err)
	}
	r.Clock.Move(time.Second)
	if _, err := r.Links.ByRef(r.Ctx, a.Ref); err != link.ErrUnknown {
		t.Errorf("after half an hour: %v", err)
	}
	c, err := r.Links.Open(r.Ctx, token(t, r, l.ID))
	if err != nil {
		t.Fatal(err)
	}
	it, err := r.Table.Get(r.Ctx, store.Key{PK: "LINK#" + l.ID, SK: "LINK"})
	if err != nil {
		t.Fatal(err)
	}
	l.Revoked = true
	body, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	it.Body = body
	if err := r.Table.Write(r.Ctx, store.Put(it), store.Put(store.Item{Key: store.Key{PK: "CLAIM#x", SK: "CLAIM"}, Body: []byte("{}")})); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Links.ByRef(r.Ctx, c.Ref); err != link.ErrUnknown {
		t.Errorf("of a revoked link: %v", err)
	}
}

// A stranger who asks for a link again and again has it mailed once in ten minutes.
func TestRenewal(t *testing.T) {
	r := rig.New(t)
	r.Organise()
	c := r.Contact("Ada", "ada@client.example")
	i := r.Invoice(c.ID, rig.Lines("1.00"))
	l := link.Link{ID: i.LinkID, Scope: link.Invoice, Document: i.ID, ContactID: c.ID}
	for range 3 {
		if err := r.Billing.Renew(r.Ctx, rig.Client(l.ID), l); err != nil && !errors.Is(err, link.ErrRenewed) {
			t.Fatal(err)
		}
	}
	r.Drain()
	if n := len(r.Mail.Sent()); n != 1 {
		t.Errorf("%d letters at once", n)
	}
	r.Clock.Move(10 * time.Minute)
	if err := r.Billing.Renew(r.Ctx, rig.Client(l.ID), l); err != nil {
		t.Fatal(err)
	}
	r.Drain()
	if sent := r.Mail.Sent(); len(sent) != 2 || sent[0].To.Address != "ada@client.example" {
		t.Errorf("%d letters after ten minutes", len(sent))
	}
}

// A secret that cannot be read is our trouble, not a bad link.
func TestNoKey(t *testing.T) {
	r, l := world(t)
	good := token(t, r, l.ID)
	r.Links.Keys = func(context.Context) ([]link.Key, error) { return nil, errors.New("no secrets today") }
	if _, err := r.Links.Resolve(r.Ctx, good); err == nil || fault.KindOf(err) != 0 {
		t.Errorf("%v", err)
	}
}
