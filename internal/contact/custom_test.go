package contact

import (
	"maps"
	"testing"

	"onebook/internal/member"
	"onebook/internal/org"
)

// Values are held to the definitions when they are typed. A definition that changes or goes leaves what is there: it stays
// readable, and the rest of the contact can be edited.
func TestCustomValuesOutliveTheirDefinition(t *testing.T) {
	w := newWorld(t)
	w.set.CustomFields = []org.CustomField{
		{Key: "tier", Label: "Tier", Kind: org.ChoiceField, Choices: []string{"gold", "silver"}, Required: true},
		{Key: "since", Label: "Client since", Kind: org.DateField},
	}
	with := func(custom map[string]string) Input { return Input{Kind: Person, Name: "Ada", Custom: custom} }
	for want, custom := range map[string]map[string]string{
		"custom.tier":              nil,
		"custom.tier ":             {"tier": "  "},
		"custom.tier  ":            {"tier": "bronze"},
		"custom.size":              {"tier": "gold", "size": "L"},
		"custom.since custom.tier": {"since": "2026-02-30"},
	} {
		_, err := w.Create(ctx, owner, with(custom))
		if got := wrongFields(err); got != want && got+" " != want && got+"  " != want {
			t.Errorf("%v: %s, want %s (%v)", custom, got, want, err)
		}
	}
	made := w.add(t, with(map[string]string{"tier": " gold ", "since": "2020-01-31"}))
	if !maps.Equal(made.Custom, map[string]string{"tier": "gold", "since": "2020-01-31"}) {
		t.Errorf("%v", made.Custom)
	}
	in := made.Input()
	in.Custom = map[string]string{"since": "2020-01-31"}
	if _, err := w.Update(ctx, owner, made.ID, 1, in); wrongFields(err) != "custom.tier" {
		t.Errorf("what is required was taken away: %v", err)
	}

	w.set.CustomFields = []org.CustomField{
		{Key: "tier", Label: "Tier", Kind: org.NumberField}, {Key: "vat", Label: "VAT checked", Kind: org.YesNoField, Required: true},
	}
	in = made.Input()
	in.Source = "fair"
	now, err := w.Update(ctx, owner, made.ID, 1, in)
	if err != nil || now.Custom["tier"] != "gold" || now.Custom["since"] != "2020-01-31" {
		t.Fatalf("%v %v", now.Custom, err)
	}
	in.Custom = map[string]string{"tier": "silver", "since": "2020-02-01"}
	if _, err := w.Update(ctx, owner, made.ID, 2, in); wrongFields(err) != "custom.since custom.tier" {
		t.Errorf("new values under old definitions: %v", err)
	}
	in.Custom = nil
	if now, err = w.Update(ctx, owner, made.ID, 2, in); err != nil || now.Custom != nil {
		t.Errorf("they cannot be taken away: %v %v", now.Custom, err)
	}
}

// The score is what is left of 100 after the problems that it names.
func TestQuality(t *testing.T) {
	w := newWorld(t)
	w.set.CustomFields = []org.CustomField{{Key: "tier", Label: "Tier", Kind: org.TextField, Required: true}}
	tier := map[string]string{"tier": "gold"}
	judge := func(in Input) (string, Quality) {
		t.Helper()
		c := w.add(t, in)
		q, err := w.Quality(ctx, c)
		if err != nil {
			t.Fatal(err)
		}
		off, codes := 0, ""
		for _, p := range q.Problems {
			off += p.Points
			codes += " " + p.Code + "@" + p.Field
			if p.Message == "" {
				t.Errorf("%s says nothing", p.Code)
			}
		}
		if q.Score != max(0, 100-off) {
			t.Errorf("%s: score %d of %+v", in.Name, q.Score, q.Problems)
		}
		return codes, q
	}
	w.add(t, Input{Name: "Flatmate", Phones: []PhoneInput{{Number: "030 999999"}}, Custom: tier})
	for _, c := range []struct {
		in    Input
		want  string
		score int
	}{
		{Input{Name: "Ada", Emails: []EmailInput{{Address: "ada@x.example"}}, Phones: []PhoneInput{{Number: "030 123456"}}, Custom: tier}, " unverified@emails", 95},
		{Input{Name: "Bo", Custom: tier}, " no_email@emails no_phone@phones", 65},
		{Input{
			Name: "Cy", Emails: []EmailInput{{Address: "office@x.example"}}, Phones: []PhoneInput{{Number: "12"}, {Number: "13"}, {Number: "030 999999"}},
			TaxID: "DE123456789", Custom: tier,
		}, " only_shared@emails invalid_phone@phones[0].number invalid_phone@phones[1].number no_country@address.country shared_phone@phones[2].number", 55},
		{Input{Kind: Company, Name: "Acme", Emails: []EmailInput{{Address: "a@acme.example"}}, Phones: []PhoneInput{{Number: "030 777777"}}, Custom: tier}, " unverified@emails no_people@people", 85},
		{Input{Kind: Company, Name: "Beta", Custom: tier, People: []HumanInput{
			{Name: "Di", Phones: []PhoneInput{{Number: "030 888888"}}, Receives: []string{Invoices}}, {Name: "Ed", Emails: []EmailInput{{Address: "ed@beta.example"}}},
		}}, " unverified@emails nobody_receives@people", 85},
		{Input{Kind: Company, Name: "Ceta", Custom: tier, People: []HumanInput{
			{Name: "Fi", Emails: []EmailInput{{Address: "fi@ceta.example"}}, Phones: []PhoneInput{{Number: "030 666666"}}, Receives: []string{Invoices}},
		}}, " unverified@emails", 95},
	} {
		if got, q := judge(c.in); got != c.want || q.Score != c.score {
			t.Errorf("%s: %d%s\nwant %d%s", c.in.Name, q.Score, got, c.score, c.want)
		}
	}
	// What is required is asked of people; what came in by itself is told to lack it.
	c, err := w.Create(ctx, member.Automaton(member.Intake), Input{Kind: Person, Name: "Gil", Source: "inquiry"})
	if err != nil {
		t.Fatal(err)
	}
	if q, err := w.Quality(ctx, c); err != nil || q.Score != 55 || q.Problems[len(q.Problems)-1].Field != "custom.tier" {
		t.Errorf("%+v %v", q, err)
	}
}
