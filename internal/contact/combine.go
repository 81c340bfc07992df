package contact

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"onebook/internal/fault"
	"onebook/internal/org"
)

// Sides of a merge.
const (
	FromSurvivor = "survivor"
	FromMerged   = "merged"
)

// Clash is a field in which two contacts differ and of which only one value can stay.
type Clash struct {
	Field    string `json:"field"`
	Survivor string `json:"survivor"` // as a reader should see it
	Merged   string `json:"merged"`
	Kept     string `json:"kept"` // FromSurvivor or FromMerged
}

// scalar is a field of which a contact has one value.
type scalar struct {
	field string
	of    func(c *Contact) *string
}

// scalars are the fields of a contact that hold one value, except the address, which counts as one.
var scalars = []scalar{
	{"name", func(c *Contact) *string { return &c.Name }},
	{"givenName", func(c *Contact) *string { return &c.GivenName }},
	{"familyName", func(c *Contact) *string { return &c.FamilyName }},
	{"company", func(c *Contact) *string { return &c.Company }},
	{"taxId", func(c *Contact) *string { return &c.TaxID }},
	{"timeZone", func(c *Contact) *string { return &c.TimeZone }},
	{"locale", func(c *Contact) *string { return &c.Locale }},
	{"currency", func(c *Contact) *string { return &c.Currency }},
	{"source", func(c *Contact) *string { return &c.Source }},
}

// trust is the class of a record by where its fields come from (rules.md §6): verified, entered by a person, imported,
// enriched.
func trust(c *Contact) int {
	switch {
	case slices.ContainsFunc(c.Emails, func(e Email) bool { return !e.VerifiedAt.IsZero() }):
		return 3
	case strings.HasPrefix(c.Source, "enrich"):
		return 0
	case strings.HasPrefix(c.Source, "import"):
		return 1
	}
	return 2
}

// combine makes what survives of two contacts (rules.md §6): of a field with one value that of the more trusted record,
// within a class the newer one's, never an empty one before another; of lists the union. keep overrules it field by field.
// fault.Unready when together they have more than one contact can hold.
func combine(into, from Contact, keep map[string]string) (Contact, []Clash, error) {
	out, clashes := into, []Clash{}
	newer := trust(&from) > trust(&into) || trust(&from) == trust(&into) && from.UpdatedAt.After(into.UpdatedAt)
	merged := func(field, a, b string) bool {
		if a == b || b == "" {
			return false
		}
		if a == "" {
			return true
		}
		c := Clash{Field: field, Survivor: a, Merged: b, Kept: FromSurvivor}
		if keep[field] == FromMerged || keep[field] == "" && newer {
			c.Kept = FromMerged
		}
		clashes = append(clashes, c)
		return c.Kept == FromMerged
	}
	for _, f := range scalars {
		if a, b := f.of(&out), f.of(&from); merged(f.field, *a, *b) {
			*a = *b
		}
	}
	if merged("address", strings.Join(into.Address.Lines(), ", "), strings.Join(from.Address.Lines(), ", ")) {
		out.Address = from.Address
	}
	for field := range keep {
		if field != "address" && !slices.ContainsFunc(scalars, func(f scalar) bool { return f.field == field }) {
			return Contact{}, nil, fault.InField("keep."+printable(field), "invalid", "only a field with one value can be chosen; lists are united")
		}
	}
	out.Emails = uniteEmails(into.Emails, from.Emails)
	out.Phones = unite(into.Phones, from.Phones, phoneIdentity)
	out.Tags = unite(into.Tags, from.Tags, strings.ToLower)
	out.ExternalIDs, out.Custom = uniteMaps(into.ExternalIDs, from.ExternalIDs), uniteMaps(into.Custom, from.Custom)
	out.People = unite(into.People, from.People, personIdentity)
	return out, clashes, tooMuch(&out)
}

func printable(s string) string {
	if r := []rune(strings.ToValidUTF8(s, "?")); len(r) > 40 {
		return string(r[:40])
	}
	return strings.ToValidUTF8(s, "?")
}

func tooMuch(c *Contact) error {
	for _, x := range []struct {
		n, most int
		what    string
	}{
		{len(c.Emails), maxEmails, "e-mail addresses"}, {len(c.Phones), maxPhones, "telephone numbers"}, {len(c.People), maxPeople, "people"},
		{len(c.Tags), maxTags, "tags"}, {len(c.ExternalIDs), maxExternals, "external ids"}, {len(c.pointers()), maxPointers, "entries of the index"},
	} {
		if x.n > x.most {
			return fault.Unready.Errorf("together they have %d %s and a contact can have %d; remove some of them first", x.n, x.what, x.most).Coded("too_large")
		}
	}
	return nil
}

func phoneIdentity(p Phone) string {
	if p.E164 != "" {
		return p.E164
	}
	return p.Number
}

func personIdentity(h Human) string {
	s := strings.ToLower(h.Name)
	for _, e := range h.Emails {
		s += "\x00" + e.Key
	}
	for _, p := range h.Phones {
		s += "\x00" + phoneIdentity(p)
	}
	return s
}

// unite is a followed by what only b has.
func unite[T any](a, b []T, identity func(T) string) []T {
	out := slices.Clone(a)
	for _, x := range b {
		if !slices.ContainsFunc(out, func(y T) bool { return identity(y) == identity(x) }) {
			out = append(out, x)
		}
	}
	return out
}

// uniteEmails keeps an address that either has alone as an own one, and the word of whoever verified it.
func uniteEmails(a, b []Email) []Email {
	out := unite(a, b, func(e Email) string { return e.Key })
	for i := range out {
		for _, e := range b {
			if e.Key != out[i].Key {
				continue
			}
			if e.Use == Own {
				out[i].Use = Own
			}
			if out[i].VerifiedAt.IsZero() {
				out[i].VerifiedAt = e.VerifiedAt
			}
		}
	}
	return out
}

func uniteMaps(a, b map[string]string) map[string]string {
	if len(a)+len(b) == 0 {
		return nil
	}
	out := maps.Clone(b)
	if out == nil {
		out = map[string]string{}
	}
	maps.Copy(out, a)
	return out
}

// Restore is a field that was changed after a merge, so that undoing the merge does not say which value is right.
type Restore struct {
	Field  string `json:"field"`
	Before string `json:"before"` // the merge
	Now    string `json:"now"`    // and after undoing it, unless before was asked for
}

// separate takes out of a survivor what a merge has put into it, by what it was before and after the merge and what it is
// now. What people did since stays; a field with one value that they changed since is offered, and back is the fields of
// which the value before is wanted all the same.
func separate(before, after, now Contact, back []string) (Contact, []Restore) {
	out, offered := now, []Restore(nil)
	old := func(field, b, a, n string) bool {
		switch {
		case b == a || b == n:
			return false // the merge did not touch it, or somebody has put it right since
		case n == a || slices.Contains(back, field):
			return true
		}
		offered = append(offered, Restore{Field: field, Before: b, Now: n})
		return false
	}
	for _, f := range scalars {
		if b := *f.of(&before); old(f.field, b, *f.of(&after), *f.of(&now)) {
			*f.of(&out) = b
		}
	}
	lines := func(a org.Address) string { return strings.Join(a.Lines(), ", ") }
	if old("address", lines(before.Address), lines(after.Address), lines(now.Address)) {
		out.Address = before.Address
	}
	out.Emails = partEmails(before.Emails, after.Emails, now.Emails)
	out.Phones = without(now.Phones, before.Phones, after.Phones, phoneIdentity)
	out.Tags = without(now.Tags, before.Tags, after.Tags, strings.ToLower)
	out.People = without(now.People, before.People, after.People, personIdentity)
	out.ExternalIDs = withoutPairs(now.ExternalIDs, before.ExternalIDs, after.ExternalIDs)
	out.Custom = withoutPairs(now.Custom, before.Custom, after.Custom)
	return out, offered
}

// without is now less what after has and before has not.
func without[T any](now, before, after []T, identity func(T) string) []T {
	has := func(all []T, x T) bool {
		return slices.ContainsFunc(all, func(y T) bool { return identity(y) == identity(x) })
	}
	return slices.DeleteFunc(slices.Clone(now), func(x T) bool { return has(after, x) && !has(before, x) })
}

func partEmails(before, after, now []Email) []Email {
	out := without(now, before, after, func(e Email) string { return e.Key })
	for i, e := range out {
		b := slices.IndexFunc(before, func(x Email) bool { return x.Key == e.Key })
		a := slices.IndexFunc(after, func(x Email) bool { return x.Key == e.Key })
		if b >= 0 && a >= 0 && reflect.DeepEqual(e, after[a]) {
			out[i] = before[b]
		}
	}
	return out
}

func withoutPairs(now, before, after map[string]string) map[string]string {
	out := maps.Clone(now)
	maps.DeleteFunc(out, func(k, v string) bool {
		_, had := before[k]
		return !had && after[k] == v
	})
	return out
}
