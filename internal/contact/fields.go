package contact

import (
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"onebook/internal/activity"
	"onebook/internal/member"
)

// field is one thing that people edit: whose it is to change (rules.md §9), what of a contact it is, and how a reader of
// the history is told of it.
type field struct {
	name, spoken string
	right        member.Right
	value        func(c *Contact) any
	text         func(c *Contact) string
}

func line(name, spoken string, right member.Right, value func(c *Contact) string) field {
	return field{name, spoken, right, func(c *Contact) any { return value(c) }, value}
}

// fields in the order of a form. Recipients is no field of the body: it is who of the people receives invoices, which
// decides where money is asked for and is billing's.
var fields = []field{
	line("kind", "kind", member.ContactOther, func(c *Contact) string { return c.Kind }),
	line("name", "name", member.ContactOther, func(c *Contact) string { return c.Name }),
	line("givenName", "given name", member.ContactOther, func(c *Contact) string { return c.GivenName }),
	line("familyName", "family name", member.ContactOther, func(c *Contact) string { return c.FamilyName }),
	line("company", "company", member.ContactOther, func(c *Contact) string { return c.Company }),
	{
		"emails", "e-mail", member.ContactOther,
		func(c *Contact) any { return c.Emails }, func(c *Contact) string { return emailsText(c.Emails) },
	},
	{
		"phones", "phone", member.ContactOther,
		func(c *Contact) any { return c.Phones }, func(c *Contact) string { return phonesText(c.Phones) },
	},
	{
		"address", "address", member.ContactBilling,
		func(c *Contact) any { return c.Address }, func(c *Contact) string { return strings.Join(c.Address.Lines(), ", ") },
	},
	line("taxId", "tax id", member.ContactBilling, func(c *Contact) string { return c.TaxID }),
	line("timeZone", "time zone", member.ContactOther, func(c *Contact) string { return c.TimeZone }),
	line("locale", "language", member.ContactOther, func(c *Contact) string { return c.Locale }),
	line("currency", "currency", member.ContactBilling, func(c *Contact) string { return c.Currency }),
	{
		"tags", "tags", member.ContactOther,
		func(c *Contact) any { return c.Tags }, func(c *Contact) string { return strings.Join(c.Tags, ", ") },
	},
	line("source", "source", member.ContactOther, func(c *Contact) string { return c.Source }),
	{
		"externalIds", "external ids", member.ContactOther,
		func(c *Contact) any { return c.ExternalIDs }, func(c *Contact) string { return pairs(c.ExternalIDs) },
	},
	{
		"custom", "custom fields", member.ContactOther,
		func(c *Contact) any { return c.Custom }, func(c *Contact) string { return pairs(c.Custom) },
	},
	{
		"people", "people", member.ContactOther,
		func(c *Contact) any { return withoutInvoices(c.People) }, func(c *Contact) string { return peopleText(c.People) },
	},
	line("recipients", "recipients", member.ContactBilling, func(c *Contact) string { return recipientsText(c.People) }),
	line("archivedAt", "archive", member.ContactArchive, func(c *Contact) string {
		if c.ArchivedAt.IsZero() {
			return ""
		}
		return c.ArchivedAt.Format(time.RFC3339)
	}),
}

// differences lists what changed, field by field. The values decide, not their texts: two values may read alike.
func differences(a, b Contact) ([]activity.Change, error) {
	var out []activity.Change
	for _, f := range fields {
		from, err := json.Marshal(f.value(&a))
		if err != nil {
			return nil, fmt.Errorf("contact %s: %w", f.name, err)
		}
		to, err := json.Marshal(f.value(&b))
		if err != nil {
			return nil, fmt.Errorf("contact %s: %w", f.name, err)
		}
		if string(from) != string(to) {
			out = append(out, activity.Change{Field: f.name, From: f.text(&a), To: f.text(&b)})
		}
	}
	return out, nil
}

func withoutInvoices(hs []Human) []Human {
	out := slices.Clone(hs)
	for i := range out {
		out[i].Receives = slices.DeleteFunc(slices.Clone(out[i].Receives), func(r string) bool { return r == Invoices })
		if len(out[i].Receives) == 0 {
			out[i].Receives = nil
		}
	}
	return out
}

// allowed answers fault.Denied unless every changed field is the actor's to change. Who may write nothing of a contact
// is refused even when nothing changes.
func allowed(by activity.By, changes []activity.Change) error {
	for _, c := range changes {
		if err := member.May(by, rightOf(c.Field)); err != nil {
			return err
		}
	}
	if member.May(by, member.ContactBilling) == nil {
		return nil
	}
	return member.May(by, member.ContactOther)
}

func rightOf(name string) member.Right {
	for _, f := range fields {
		if f.name == name {
			return f.right
		}
	}
	return member.ContactOther
}

func spokenField(name string) string {
	for _, f := range fields {
		if f.name == name {
			return f.spoken
		}
	}
	return name
}

func emailsText(es []Email) string {
	var out []string
	for _, e := range es {
		s := e.Address
		if e.Use == Shared {
			s += " (shared)"
		}
		out = append(out, s)
	}
	return strings.Join(out, ", ")
}

func phonesText(ps []Phone) string {
	var out []string
	for _, p := range ps {
		s := p.Number
		if p.E164 != "" && p.E164 != p.Number {
			s += " (" + p.E164 + ")"
		}
		out = append(out, s)
	}
	return strings.Join(out, ", ")
}

func pairs(m map[string]string) string {
	var out []string
	for _, k := range names(m) {
		out = append(out, k+": "+m[k])
	}
	return strings.Join(out, ", ")
}

func peopleText(hs []Human) string {
	var out []string
	for _, h := range hs {
		s := h.Name
		for _, more := range []string{h.Role, emailsText(h.Emails), phonesText(h.Phones)} {
			if more != "" {
				s += ", " + more
			}
		}
		for _, r := range h.Receives {
			if r != Invoices {
				s += ", receives " + r
			}
		}
		out = append(out, s)
	}
	return strings.Join(out, "; ")
}

func recipientsText(hs []Human) string {
	var out []string
	for _, h := range hs {
		if slices.Contains(h.Receives, Invoices) {
			out = append(out, h.Name)
		}
	}
	return strings.Join(out, ", ")
}

// balances lists the sums by currency, in the order of their codes, without those that are even.
func balances(sums map[string]Balance) []Balance {
	out := []Balance{}
	for _, b := range sums {
		if b.Due != 0 || b.Credit != 0 {
			out = append(out, b)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Currency < out[j].Currency })
	return out
}
