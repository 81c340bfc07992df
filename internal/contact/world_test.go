package contact

import (
	"context"
	"errors"
	"math/rand"
	"strings"
	"sync"
	"testing"

	"onebook/internal/activity"
	"onebook/internal/fault"
	"onebook/internal/find"
	"onebook/internal/id"
	"onebook/internal/member"
	"onebook/internal/org"
	"onebook/internal/phone"
	"onebook/internal/store"
	"onebook/internal/store/storetest"
)

// world is a record with nobody in it, in Germany, at the beginning of 2026.
type world struct {
	*Service
	clock *storetest.Clock
	set   org.Settings
	table *store.Embedded
}

// dice are entropy that is the same in each run.
type dice struct {
	mu sync.Mutex
	r  *rand.Rand
}

func (d *dice) Read(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.r.Read(p)
}

func newWorld(tb testing.TB) *world {
	tb.Helper()
	w := &world{clock: &storetest.Clock{}}
	w.table = storetest.Embedded(tb, w.clock.Now)
	entropy := &dice{r: rand.New(rand.NewSource(1))}
	w.Service = &Service{
		Table: w.table, Now: w.clock.Now, IDs: id.Source{Now: w.clock.Now, Entropy: entropy},
		Records: &activity.Records{Table: w.table, Now: w.clock.Now, Entropy: entropy},
		Org:     func(context.Context) (org.Settings, error) { return w.set, nil }, Phones: phone.Plans{},
	}
	w.set.Address.Country = "DE"
	w.set.CustomFields = []org.CustomField{{Key: "shoeSize", Label: "Shoe size", Kind: org.NumberField}}
	return w
}

var ctx = context.Background()

func as(r member.Role) activity.By {
	return activity.By{Kind: activity.Member, ID: "mb_" + string(r), Name: "A " + string(r), Role: string(r)}
}

var owner = as(member.Owner)

func (w *world) add(tb testing.TB, in Input) Contact {
	tb.Helper()
	if in.Kind == "" {
		in.Kind = Person
	}
	c, err := w.Create(ctx, owner, in)
	if err != nil {
		tb.Fatalf("%s: %v", in.Name, err)
	}
	return c
}

func person(name, email, phone string) Input {
	in := Input{Kind: Person, Name: name}
	if email != "" {
		in.Emails = []EmailInput{{Address: email}}
	}
	if phone != "" {
		in.Phones = []PhoneInput{{Number: phone}}
	}
	return in
}

// all answers every page of a listing; each is asked for with the given limit.
func (w *world) all(tb testing.TB, text string, limit int) []string {
	tb.Helper()
	var out []string
	for cursor, pages := "", 0; ; pages++ {
		cs, next, err := w.List(ctx, Active, text, limit, cursor)
		if err != nil {
			tb.Fatalf("%q: %v", text, err)
		}
		if limit > 0 && len(cs) > limit {
			tb.Fatalf("%q: %d contacts on a page of %d", text, len(cs), limit)
		}
		for _, c := range cs {
			out = append(out, c.Name)
		}
		if cursor = next; cursor == "" {
			return out
		}
		if pages > 500 {
			tb.Fatalf("%q: the listing does not end", text)
		}
	}
}

func wrongFields(err error) string {
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != fault.Invalid {
		return "not an Invalid"
	}
	var out []string
	for _, x := range f.Fields {
		out = append(out, x.Field)
	}
	return strings.Join(out, " ")
}

// changes counts the writes to keys that begin so.
func (w *world) changes(tb testing.TB, prefix string) int {
	tb.Helper()
	n := 0
	for after := uint64(0); ; {
		cs, err := w.table.Changes(ctx, after, 500)
		if err != nil {
			tb.Fatal(err)
		}
		if len(cs) == 0 {
			return n
		}
		for _, c := range cs {
			after = c.Seq
			k := ""
			if c.New != nil {
				k = c.New.PK
			} else {
				k = c.Old.PK
			}
			if strings.HasPrefix(k, prefix) {
				n++
			}
		}
	}
}

func deleteOf(it store.Item) store.Op { return store.Delete(it.Key, it.Version) }

func putTerm(term, contactID string) store.Op {
	return find.Put(term, find.Contact, contactID)
}
