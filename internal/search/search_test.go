package search_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"onebook/internal/find"
	"onebook/internal/order"
	"onebook/internal/org"
	"onebook/internal/rig"
	"onebook/internal/sale"
	"onebook/internal/search"
)

func start(t *testing.T) (*rig.Rig, *search.Service) {
	t.Helper()
	r := rig.New(t)
	r.Organise()
	r.Settings(func(s *org.Settings) { s.Numbering.Invoice, s.Numbering.Estimate = "R-{year}-{n}", "A{n}" })
	return r, &search.Service{Table: r.Table, Contacts: r.Contacts}
}

// all answers every page of a search as kind:id:because, and fails when a page is larger than asked for.
func all(t *testing.T, r *rig.Rig, s *search.Service, text string, limit int) []string {
	t.Helper()
	var out []string
	for cursor, pages := "", 0; ; pages++ {
		found, next, err := s.Find(r.Ctx, text, limit, cursor)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if len(found) > limit || pages > 100 {
			t.Fatalf("%q: a page of %d with a limit of %d, page %d", text, len(found), limit, pages)
		}
		for _, f := range found {
			out = append(out, f.Kind+" "+f.ID+" "+f.Because)
		}
		if cursor = next; cursor == "" {
			return out
		}
	}
}

// A document is found by its number, whole or begun, by its amount however it is written, and by whose it is.
func TestDocumentsAreFound(t *testing.T) {
	r, s := start(t)
	ada, bob := r.Contact("Ada Lovelace", "ada@client.example"), r.Contact("Bob Noyce", "")
	e := r.Offer(ada.ID, rig.Lines("500.00")) // 595.00
	i := r.Invoice(ada.ID, rig.Lines("1000.00"))
	other := r.Invoice(bob.ID, rig.Lines("1000.42")) // 1190.50
	yen := r.Invoice(bob.ID, yenLines())
	draft := r.Draft(bob.ID, rig.Lines("77.00"))
	inv := func(id, because string) string { return "invoice " + id + " " + because }
	for _, c := range []struct {
		text string
		want []string
	}{
		{i.Number, []string{inv(i.ID, "number")}},
		{strings.ToLower(i.Number[:5]), []string{inv(i.ID, "number"), inv(other.ID, "number"), inv(yen.ID, "number")}},
		{"A1", []string{"estimate " + e.ID + " number"}},
		{"1190", []string{inv(i.ID, "amount"), inv(other.ID, "amount")}},
		{"1190.00", []string{inv(i.ID, "amount")}},
		{"1.190,50 €", []string{inv(other.ID, "amount")}},
		{"EUR 1,190.5", []string{inv(other.ID, "amount")}},
		{"1,190", []string{inv(i.ID, "amount"), inv(other.ID, "amount")}},
		{"119", []string{inv(i.ID, "amount"), inv(other.ID, "amount"), inv(yen.ID, "amount")}},
		{"119000", nil}, // 119,000 nobody owes
		{"¥119", []string{inv(i.ID, "amount"), inv(other.ID, "amount"), inv(yen.ID, "amount")}},
		{"595", []string{"estimate " + e.ID + " amount"}},
		{"lovel", []string{"contact " + ada.ID + " name", inv(i.ID, "name"), "estimate " + e.ID + " name"}},
		{"noyce", []string{"contact " + bob.ID + " name", inv(draft.ID, "name"), inv(yen.ID, "name"), inv(other.ID, "name")}},
		{"ada@client", []string{"contact " + ada.ID + " name", inv(i.ID, "name"), "estimate " + e.ID + " name"}},
		{"R-1999", nil}, {"€", nil}, {"#", nil}, {"99999999999999999999", nil}, {"77", nil},
	} {
		for _, limit := range []int{50, 1, 2} {
			want := c.want
			if limit < 50 { // documents follow a contact only where there is room
				want = slices.DeleteFunc(slices.Clone(want), func(w string) bool { return strings.HasSuffix(w, " name") && !strings.HasPrefix(w, "contact") })
			}
			got := all(t, r, s, c.text, limit)
			slices.Sort(got)
			want = slices.Clone(want)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("%q by %d:\n got %q\nwant %q", c.text, limit, got, want)
			}
		}
	}
	// What there is room for comes at once, whatever it was found by.
	if found, next, err := s.Find(r.Ctx, i.Number, 50, ""); err != nil || len(found) != 1 || next != "" {
		t.Errorf("a number is answered with %d things and the cursor %q: %v", len(found), next, err)
	}
	if _, _, err := s.Find(r.Ctx, "ada", 10, "nonsense"); err == nil {
		t.Error("a cursor of nobody's was taken")
	}
}

// The order that an estimate became is found with it.
func TestAnOrderIsFoundWithItsEstimate(t *testing.T) {
	r, s := start(t)
	ada := r.Contact("Ada Lovelace", "ada@client.example")
	e := r.Offer(ada.ID, rig.Lines("500.00"))
	if _, err := r.Selling.Accept(r.Ctx, rig.Client(e.LinkID), e.ID, "Ada"); err != nil {
		t.Fatal(err)
	}
	o, err := r.Selling.Convert(r.Ctx, rig.Owner, e.ID, order.Schedule{})
	if err != nil {
		t.Fatal(err)
	}
	got := all(t, r, s, e.Number, 50)
	if want := []string{"estimate " + e.ID + " number", "order " + o.OrderID + " number"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A contact is found by the number of a document, once, and not twice when its name begins alike.
func TestContactsAreFoundByTheirDocuments(t *testing.T) {
	r, _ := start(t)
	ada := r.Contact("Ada Lovelace", "")
	for range 3 {
		r.Invoice(ada.ID, rig.Lines("10.00"))
	}
	for n := range 4 {
		r.Invoice(r.Contact(fmt.Sprintf("Client %d", n), "").ID, rig.Lines("10.00"))
	}
	for _, limit := range []int{1, 2, 50} {
		seen := map[string]int{}
		for cursor := ""; ; {
			cs, next, err := r.Contacts.List(r.Ctx, "active", "r-20", limit, cursor)
			if err != nil || len(cs) > limit {
				t.Fatalf("%d by %d: %v", len(cs), limit, err)
			}
			for _, c := range cs {
				seen[c.ID]++
			}
			if cursor = next; cursor == "" {
				break
			}
		}
		if len(seen) < min(limit, 5) || seen[ada.ID] > 1 {
			t.Errorf("by %d: %v", limit, seen)
		}
	}
}

// What begins a term does not run into its kind, and a term may hold the mark itself.
func TestTermsAreTakenApart(t *testing.T) {
	r, _ := start(t)
	if err := r.Table.Write(r.Ctx, find.Put("r#1", find.Invoice, "in_x"), find.Put("r", find.Invoice, "in_y")); err != nil {
		t.Fatal(err)
	}
	hits, _, err := find.Beginning(r.Ctx, r.Table, "r#", 10, "")
	if err != nil || len(hits) != 1 || hits[0] != (find.Hit{Term: "r#1", Kind: find.Invoice, ID: "in_x"}) {
		t.Errorf("%+v %v", hits, err)
	}
	if hits, err := find.Whole(r.Ctx, r.Table, "r", find.Invoice, 10); err != nil || len(hits) != 1 || hits[0].ID != "in_y" {
		t.Errorf("%+v %v", hits, err)
	}
}

func yenLines() sale.Input {
	in := rig.Lines("100")
	in.Currency = "JPY"
	return in
}
