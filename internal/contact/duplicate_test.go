package contact

import (
	"errors"
	"slices"
	"testing"

	"onebook/internal/fault"
	"onebook/internal/org"
	"onebook/internal/vectors"
)

func (w *world) proposals(tb testing.TB) []Duplicate {
	tb.Helper()
	var out []Duplicate
	for cursor := ""; ; {
		ds, next, err := w.Duplicates(ctx, 3, cursor)
		if err != nil {
			tb.Fatal(err)
		}
		out = append(out, ds...)
		if cursor = next; cursor == "" {
			return out
		}
	}
}

// A pair is proposed once, with what speaks for it and against it; a name alone, a number alone, and a pair that somebody
// found to be two propose nobody, and neither does one that was merged.
func TestWhoIsProposed(t *testing.T) {
	for _, c := range []struct {
		what          string
		a, b          Input
		because, anti []string // none of because: not proposed
	}{
		{"a name alone", person("Jane Doe", "a@x.example", ""), person("Jane Doe", "b@y.example", ""), nil, nil},
		{"number and name", person("Jane Doe", "a@x.example", "030 901820"), person("Doe, Jane", "", "+49 30 901820"), []string{"same telephone number", "same name"}, []string{}},
		{"number, another name", person("Jane Doe", "", "030 901820"), person("Peter Miller", "", "030 901820"), nil, nil},
		{"an address with a tag", person("Jane Doe", "jane@x.example", ""), person("Jane Doe", "jane+shop@x.example", ""), []string{"similar e-mail address", "same name"}, []string{}},
		{
			"other ids", Input{Name: "Jane Doe", Phones: []PhoneInput{{Number: "030 901820"}}, ExternalIDs: map[string]string{"crm": "1"}},
			Input{Name: "Jane Doe", Phones: []PhoneInput{{Number: "030 901820"}}, ExternalIDs: map[string]string{"crm": "2"}}, nil, nil,
		},
		{
			"name and address", Input{Name: "Jane Doe", Address: org.Address{Line1: "Hauptstr. 1", City: "Köln", Country: "DE"}, TaxID: "1"},
			Input{Name: "Jane Do", Address: org.Address{Line1: "hauptstr. 1", City: "Koln", Country: "DE"}}, []string{"same name", "same address"}, []string{},
		},
	} {
		w := newWorld(t)
		a, b := w.add(t, c.a), w.add(t, c.b)
		got := w.proposals(t)
		if c.because == nil {
			if len(got) != 0 {
				t.Errorf("%s: %+v", c.what, got)
			}
			continue
		}
		if len(got) != 1 || !slices.Equal(got[0].Because, c.because) || !slices.Equal(got[0].Against, c.anti) || got[0].Contacts[0].ContactID != b.ID ||
			got[0].Contacts[1].ContactID != a.ID {
			t.Errorf("%s: %+v", c.what, got)
			continue
		}
		if w.got(t, b.ID).ID != b.ID {
			t.Errorf("%s: a proposal has linked", c.what)
		}
		for range 2 {
			if err := w.Dismiss(ctx, owner, a.ID, b.ID); err != nil {
				t.Fatal(err)
			}
			if err := w.Dismiss(ctx, owner, b.ID, a.ID); err != nil {
				t.Fatal(err)
			}
		}
		if got := w.proposals(t); len(got) != 0 {
			t.Errorf("%s: dismissed and proposed: %+v", c.what, got)
		}
		if n := w.changes(t, "A#"+a.ID) + w.changes(t, "A#"+b.ID); n != 4 {
			t.Errorf("%s: %d entries for two contacts and one word on both", c.what, n)
		}
		w.merged(t, a, b)
		if got := w.proposals(t); len(got) != 0 {
			t.Errorf("%s: merged and proposed: %+v", c.what, got)
		}
	}
	w := newWorld(t)
	if err := w.Dismiss(ctx, owner, "ct_x", "ct_y"); !errors.Is(err, fault.Invalid) && !errors.Is(err, fault.NotFound) {
		t.Error(err)
	}
}

// Of real records that are one person under two, without the id that tells so, most are proposed, by name, address and
// birthday; of real people of one name none (dedupe_pairs.json).
func TestProposalsOfRealPairs(t *testing.T) {
	var v struct {
		Must []pair `json:"must_link"`
		Not  []pair `json:"must_not_link_name_only"`
	}
	vectors.Load(t, "dedupe_pairs.json", &v)
	enter := func(w *world, p pair, m map[string]any) {
		in := Input{Name: p.text(m, "given_name", "first_name", "surname"), Address: org.Address{
			Line1: p.text(m, "street_number", "address_1"), City: p.text(m, "suburb", "city"), PostalCode: p.text(m, "postcode"),
		}}
		if in.Name == "" {
			in.Name = "unknown"
		}
		if d := p.text(m, "date_of_birth", "dob"); len(d) == 8 {
			in.Custom = map[string]string{"born": d[:4] + "-" + d[4:6] + "-" + d[6:]}
		} else if len(d) == 10 {
			in.Custom = map[string]string{"born": d}
		}
		if e := p.text(m, "email"); Acceptable(e) == nil {
			in.Emails = []EmailInput{{Address: e, Use: Shared}}
		}
		in.Kind = Person
		if _, err := w.Create(ctx, owner, in); err != nil {
			in.Custom = nil // some birthdays are no days
			w.add(t, in)
		}
	}
	proposed := func(ps []pair) (n int) {
		for _, p := range ps {
			w := newWorld(t)
			w.set.CustomFields = []org.CustomField{{Key: "born", Label: "Born", Kind: org.DateField}}
			enter(w, p, p.A)
			enter(w, p, p.B)
			n += len(w.proposals(t))
			if got := w.all(t, "", 10); len(got) != 2 {
				t.Fatalf("a proposal has linked %v and %v", p.A, p.B)
			}
		}
		return n
	}
	must, not := proposed(v.Must), proposed(v.Not)
	t.Logf("proposed without their id: %d of %d pairs that are one, %d of %d that only have one name", must, len(v.Must), not, len(v.Not))
	if not > len(v.Not)/20 || must*10 < len(v.Must)*6 {
		t.Errorf("%d right and %d wrong", must, not)
	}
}
