package contact

import (
	"slices"
	"testing"
)

// A company is one record; its people are known by their own keys, and a key of theirs says who of them it is.
func TestAKeyOfAPersonNamesThePerson(t *testing.T) {
	w := newWorld(t)
	acme := w.add(t, Input{
		Kind: Company, Name: "Acme GmbH", Emails: []EmailInput{{Address: "info@acme.example"}}, Phones: []PhoneInput{{Number: "030 100000"}},
		People: []HumanInput{
			{Name: "Ana Assistant", Role: "assistant", Emails: []EmailInput{{Address: "ana@acme.example"}}, Phones: []PhoneInput{{Number: "030 100001"}}, Receives: []string{Visits}},
			{Name: "Axel Accountant", Role: "accounts", Emails: []EmailInput{{Address: "axel@acme.example"}}, Phones: []PhoneInput{{Number: "030 100001"}}, Receives: []string{Invoices}},
		},
	})
	w.add(t, person("Bo", "bo@x.example", "030 200000"))
	for _, c := range []struct {
		in      MatchInput
		outcome string
		person  string
	}{
		{MatchInput{Email: "ANA@acme.example"}, Matched, "Ana Assistant"},
		{MatchInput{Email: "axel@acme.example", Name: "Somebody"}, Matched, "Axel Accountant"},
		{MatchInput{Phone: "030 100001", Name: "Axel Accountant"}, Matched, "Axel Accountant"},
		{MatchInput{Phone: "030 100001", Name: "Ana Assistant"}, Matched, "Ana Assistant"},
		{MatchInput{Email: "axel@acme.example", Phone: "030 100001", Name: "Ana Assistant"}, Matched, "Axel Accountant"},
		{MatchInput{Phone: "030 100000", Name: "Acme GmbH"}, Matched, ""},
		{MatchInput{Phone: "030 100001", Name: "Somebody Else"}, Review, ""},
		{MatchInput{Email: "info@acme.example"}, Review, ""},
		{MatchInput{Email: "ana@acme.example", Phone: "030 200000", Name: "Bo"}, Review, ""},
	} {
		got, err := w.Match(ctx, c.in)
		if err != nil || got.Outcome != c.outcome || got.Person != c.person || c.outcome == Matched && got.ContactID != acme.ID {
			t.Errorf("%+v: %+v %v", c.in, got, err)
		}
	}
	if _, err := w.Create(ctx, owner, person("Ana", "ana@acme.example", "")); err == nil {
		t.Error("the address of one of a company's people was given to another contact")
	}
	if !acme.Has("AXEL@acme.example") || acme.Has("bo@x.example") || acme.At("ana@acme.example") != "Ana Assistant" || acme.At("info@acme.example") != "" {
		t.Error("the record does not know its own addresses")
	}
}

// Each matter goes to whom the company named for it, else to the company; what is to be decided goes to who books before it
// goes nowhere, but a bill goes to nobody who was not named.
func TestEachMatterGoesToItsPerson(t *testing.T) {
	human := func(name string, receives ...string) HumanInput {
		return HumanInput{Name: name, Emails: []EmailInput{{Address: name + "@acme.example"}}, Receives: receives}
	}
	mute := HumanInput{Name: "mute", Receives: []string{Invoices, Estimates, Visits}}
	firm := []EmailInput{{Address: "office@acme.example"}}
	for _, c := range []struct {
		what                        string
		emails                      []EmailInput
		people                      []HumanInput
		invoices, estimates, visits string
	}{
		{"nobody named", firm, nil, "office", "office", "office"},
		{"an accountant", firm, []HumanInput{human("axel", Invoices)}, "axel", "office", "office"},
		{"all named, and one without an address first", firm, []HumanInput{mute, human("ana", Visits), human("axel", Invoices), human("eva", Estimates)}, "axel", "eva", "ana"},
		{"no address of its own", nil, []HumanInput{human("axel", Invoices), human("ana", Visits)}, "axel", "ana", "ana"},
		{"only who books", nil, []HumanInput{human("ana", Visits)}, "", "ana", "ana"},
		{"nobody can be reached", nil, []HumanInput{mute}, "", "", ""},
		{"one for everything", firm, []HumanInput{human("eva", Invoices, Estimates, Visits)}, "eva", "eva", "eva"},
	} {
		w := newWorld(t)
		x := w.add(t, Input{Kind: Company, Name: "Acme", Emails: c.emails, People: c.people})
		for matter, want := range map[string]string{Invoices: c.invoices, Estimates: c.estimates, Visits: c.visits} {
			r, err := w.Recipient(ctx, x.ID, matter)
			name, email := want, want+"@acme.example"
			if want == "" || want == "office" {
				name = "Acme"
			}
			if want == "" {
				email = ""
			}
			if err != nil || r.Name != name || r.Email != email {
				t.Errorf("%s: %s go to %s %s, want %s (%v)", c.what, matter, r.Name, r.Email, want, err)
			}
		}
	}
	w := newWorld(t)
	x := w.add(t, Input{Kind: Company, Name: "Acme", People: []HumanInput{human("eva", Visits, Estimates, Invoices, Visits)}})
	if got := x.People[0].Receives; !slices.Equal(got, []string{Estimates, Invoices, Visits}) {
		t.Errorf("%q", got)
	}
}
