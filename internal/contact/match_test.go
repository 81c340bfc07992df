package contact

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"onebook/internal/fault"
	"onebook/internal/vectors"
)

// The order of identity: external id, own e-mail, phone behind the name gate; what contradicts goes to a person.
func TestWhoIsIt(t *testing.T) {
	w := newWorld(t)
	jane := w.add(t, Input{
		Name: "Jane Doe", Emails: []EmailInput{{Address: "jane@example.com"}}, Phones: []PhoneInput{{Number: "030 123456"}}, ExternalIDs: map[string]string{"crm": "1"},
	})
	john := w.add(t, Input{
		Name: "John Roe", Emails: []EmailInput{{Address: "john.roe@gmail.com"}, {Address: "office@example.com"}},
		Phones: []PhoneInput{{Number: "+49 151 23456789"}}, ExternalIDs: map[string]string{"crm": "2"},
	})
	wife := w.add(t, person("Ann Roe", "", "+49 151 23456789"))
	firm := w.add(t, Input{Kind: Company, Name: "Firm Ltd", People: []HumanInput{
		{Name: "Max Maier", Emails: []EmailInput{{Address: "max@firm.example"}}, Phones: []PhoneInput{{Number: "040 2345678"}}},
	}})
	for _, tenant := range []string{"Adam Apfel", "Berta Busch", "Cora Clemens", "Dora Dietz", "Emil Ebert", "Fritz Falk"} {
		w.add(t, person(tenant, "", "089 1234567"))
	}
	son := w.add(t, person("Max Roe", "", "0221 4567890"))
	father := w.add(t, person("Max Roe", "", "0221 4567890"))
	for _, c := range []struct {
		what    string
		in      MatchInput
		outcome string
		who     string
		also    []string // candidates
	}{
		{"an external id", MatchInput{ExternalID: "crm:1"}, Matched, jane.ID, []string{jane.ID}},
		{"an external id that nobody has", MatchInput{ExternalID: "crm:9"}, None, "", nil},
		{"the same id in another system", MatchInput{ExternalID: "shop:1"}, None, "", nil},
		{"an e-mail, otherwise written", MatchInput{Email: "Jane <JANE@EXAMPLE.COM>"}, Matched, jane.ID, []string{jane.ID}},
		{"an e-mail, though the name is another", MatchInput{Email: "jane@example.com", Name: "John Roe"}, Matched, jane.ID, []string{jane.ID}},
		{"the e-mail of one of a company's people", MatchInput{Email: "max@firm.example"}, Matched, firm.ID, []string{firm.ID}},
		{"phone and name", MatchInput{Phone: "+49 30 123456", Name: "Doe, Jane"}, Matched, jane.ID, []string{jane.ID}},
		{"phone and a name with a typing error", MatchInput{Phone: "030 123456", Name: "Jane Do"}, Matched, jane.ID, []string{jane.ID}},
		{"phone and no name", MatchInput{Phone: "030 123456"}, Review, "", []string{jane.ID}},
		{"phone and another name", MatchInput{Phone: "030 123456", Name: "Peter Pan"}, Review, "", []string{jane.ID}},
		{"a family's phone and a name", MatchInput{Phone: "015123456789", Name: "ann roe"}, Matched, wife.ID, []string{john.ID, wife.ID}},
		{"a family's phone and no name", MatchInput{Phone: "015123456789"}, Review, "", []string{john.ID, wife.ID}},
		{"phone and name of one of a company's people", MatchInput{Phone: "0402345678", Name: "Max Maier"}, Matched, firm.ID, []string{firm.ID}},
		{"a company's phone and a name of nobody there", MatchInput{Phone: "0402345678", Name: "Jane Doe"}, Review, "", []string{firm.ID, jane.ID}},
		{"e-mail of one, phone of another", MatchInput{Email: "jane@example.com", Phone: "015123456789", Name: "Jane Doe"}, Review, "", []string{jane.ID, john.ID, wife.ID}},
		{"e-mail and phone of one", MatchInput{Email: "jane@example.com", Phone: "030 123456"}, Matched, jane.ID, []string{jane.ID}},
		{"e-mail of one, and the phone he shares with his wife", MatchInput{Email: "john.roe@gmail.com", Phone: "015123456789", Name: "John"}, Matched, john.ID, []string{john.ID, wife.ID}},
		{"id of one, e-mail of another", MatchInput{ExternalID: "crm:2", Email: "jane@example.com"}, Review, "", []string{john.ID, jane.ID}},
		{"e-mail of one who has another id there", MatchInput{ExternalID: "crm:3", Email: "jane@example.com"}, Review, "", []string{jane.ID}},
		{"phone and name of one who has another id there", MatchInput{ExternalID: "crm:3", Phone: "030 123456", Name: "Jane Doe"}, Review, "", []string{jane.ID}},
		{"a role address", MatchInput{Email: "office@example.com", Name: "John Roe"}, Review, "", []string{john.ID}},
		{"an address that differs in a tag and dots", MatchInput{Email: "johnroe+shop@googlemail.com"}, Review, "", []string{john.ID}},
		{"an address that differs in a dot elsewhere", MatchInput{Email: "ja.ne@example.com"}, None, "", nil},
		{"a name alone", MatchInput{Name: "Jane Doe"}, Review, "", []string{jane.ID}},
		{"a name of nobody", MatchInput{Name: "Zoe Zander"}, None, "", nil},
		{"nothing", MatchInput{}, None, "", nil},
		{"blanks", MatchInput{Name: " ", Email: " ", Phone: " "}, None, "", nil},
		{"no address and no number", MatchInput{Email: "none", Phone: "none"}, None, "", nil},
		{"a number of many, with a name", MatchInput{Phone: "089 1234567", Name: "Adam Apfel"}, Review, "", nil},
		{"a number of two who are named alike", MatchInput{Phone: "0221 4567890", Name: "Max Roe"}, Review, "", []string{son.ID, father.ID}},
	} {
		got, err := w.Match(ctx, c.in)
		if err != nil {
			t.Errorf("%s: %v", c.what, err)
			continue
		}
		if got.Outcome != c.outcome || got.ContactID != c.who || len(got.Because) == 0 {
			t.Errorf("%s: %s %s %v, want %s %s", c.what, got.Outcome, got.ContactID, got.Because, c.outcome, c.who)
		}
		var also []string
		for _, x := range got.Candidates {
			also = append(also, x.ContactID)
			if len(x.Because) == 0 || x.Name == "" {
				t.Errorf("%s: %+v says nothing", c.what, x)
			}
		}
		slices.Sort(also)
		slices.Sort(c.also)
		if c.also != nil && !slices.Equal(also, c.also) {
			t.Errorf("%s: candidates %v, want %v", c.what, got.Candidates, c.also)
		}
	}
	if _, err := w.Match(ctx, MatchInput{ExternalID: "4711"}); wrongFields(err) != "externalId" {
		t.Errorf("an id without a system: %v", err)
	}
}

// A contact that was merged is matched as the one that remains.
func TestMatchFollowsAMerge(t *testing.T) {
	w := newWorld(t)
	gone, stays := w.add(t, person("Jane", "jane@example.com", "")), w.add(t, person("Jane Doe", "", ""))
	w.merged(t, stays, gone)
	if got, err := w.Match(ctx, MatchInput{Email: "jane@example.com"}); err != nil || got.Outcome != Matched || got.ContactID != stays.ID {
		t.Errorf("%+v %v", got, err)
	}
}

// Whatever is in the record, and whatever name is asked for: a name alone never links, and neither do empty values.
func TestANameAloneNeverLinks(t *testing.T) {
	w := newWorld(t)
	word := rapid.SampledFrom([]string{"Jane", "John", "Doe", "Roe", "Müller", "jane", "Łukasz", "O'Brien", "李", "Ltd", "-", ""})
	name := rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(word, 1, 3).Draw(t, "words"), " ")
	})
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		as := name.Draw(rt, "name")
		in := Input{Kind: Person, Name: as + " x", GivenName: as}
		if rapid.Bool().Draw(rt, "with keys") {
			in.Emails = []EmailInput{{Address: fmt.Sprintf("p%d@example.com", n)}}
			in.Phones = []PhoneInput{{Number: fmt.Sprintf("030 %06d", 100000+n)}}
		}
		if _, err := w.Create(ctx, owner, in); err != nil {
			rt.Fatal(err)
		}
		for _, ask := range []string{as, in.Name, name.Draw(rt, "asked"), rapid.String().Draw(rt, "anything")} {
			blank := rapid.SampledFrom([]string{"", " ", "\t", "-", "n/a"}).Draw(rt, "blank")
			got, err := w.Match(ctx, MatchInput{Name: ask, Email: blank, Phone: blank})
			if err != nil && !errors.Is(err, fault.Invalid) {
				rt.Fatal(err)
			}
			if got.Outcome == Matched || got.ContactID != "" {
				rt.Fatalf("%q alone matched %+v", ask, got)
			}
		}
	})
}

// Real duplicates that share a stable id or an address are found; people who only share a name are never linked.
// (FEBRL data sets and splink's fake_1000, see the vectors' own notes.)
func TestRealPairs(t *testing.T) {
	var v struct {
		Must []pair `json:"must_link"`
		Not  []pair `json:"must_not_link_name_only"`
	}
	vectors.Load(t, "dedupe_pairs.json", &v)
	if len(v.Must) < 400 || len(v.Not) < 50 {
		t.Fatalf("%d and %d pairs", len(v.Must), len(v.Not))
	}
	for _, p := range v.Must {
		if got := p.outcome(t); got.Outcome != Matched {
			t.Errorf("%v and %v: %+v", p.A, p.B, got)
		}
	}
	for _, p := range v.Not {
		if got := p.outcome(t); got.Outcome == Matched {
			t.Errorf("%v and %v were linked: %+v", p.A, p.B, got)
		}
	}
}

type pair struct{ A, B map[string]any }

func (p pair) text(m map[string]any, keys ...string) string {
	var out []string
	for _, k := range keys {
		if s, ok := m[k].(string); ok && s != "" {
			out = append(out, strings.TrimSpace(s))
		}
	}
	return strings.Join(out, " ")
}

// outcome enters one of the two and asks for the other.
func (p pair) outcome(t *testing.T) Outcome {
	t.Helper()
	w := newWorld(t)
	in := Input{Name: p.text(p.A, "given_name", "first_name", "surname")}
	if in.Name == "" {
		in.Name = "unknown"
	}
	if e := p.text(p.A, "email"); Acceptable(e) == nil {
		in.Emails = []EmailInput{{Address: e}}
	}
	if n := p.text(p.A, "soc_sec_id"); n != "" {
		in.ExternalIDs = map[string]string{"ssn": n}
	}
	w.add(t, in)
	ask := MatchInput{Name: p.text(p.B, "given_name", "first_name", "surname"), Email: p.text(p.B, "email")}
	if n := p.text(p.B, "soc_sec_id"); n != "" {
		ask.ExternalID = "ssn:" + n
	}
	got, err := w.Match(ctx, ask)
	if err != nil {
		t.Fatal(err)
	}
	return got
}
