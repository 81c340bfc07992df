package contact

import (
	"context"
	"fmt"
	"slices"

	"onebook/internal/org"
	"onebook/internal/store"
	"onebook/internal/suppression"
)

// Problem is one thing that is wrong with a record, and what it stands in the way of.
type Problem struct {
	Code    string `json:"code"`
	Field   string `json:"field"` // of the contact, as in a refused edit
	Message string `json:"message"`
	Points  int    `json:"points"` // what it takes off the score
}

// Quality is how far a record can be trusted (C16).
type Quality struct {
	Score    int       `json:"score"` // 100 less the points of every problem, at least 0
	Problems []Problem `json:"problems"`
}

// points are what each problem takes off, by code: the more it stands in the way of a letter, the more. A problem counts
// once, however many fields have it, except those of custom fields, which count each.
var points = map[string]int{
	"no_email":        30, // nothing can be mailed
	"blocked_email":   30, // nor there
	"no_country":      15, // the tax of a business in another country cannot be decided
	"no_phone":        5,
	"invalid_phone":   10,
	"shared_phone":    10, // a call or a message is known by it to be from one of several
	"only_shared":     10, // no address that recognises the contact
	"unverified":      5,
	"no_people":       10, // nobody knows whom to ask for
	"nobody_receives": 10, // invoices go to an address of everybody
	"custom_required": 10,
	"custom_invalid":  5,
}

// judged gathers the problems of one contact.
type judged struct {
	Quality
	seen map[string]bool
}

func (j *judged) add(code, field, format string, args ...any) {
	p := Problem{Code: code, Field: field, Message: fmt.Sprintf(format, args...), Points: points[code]}
	if j.seen[code] {
		p.Points = 0
	}
	if code != "custom_required" && code != "custom_invalid" {
		j.seen[code] = true
	}
	j.Problems = append(j.Problems, p)
	j.Score = max(0, j.Score-p.Points)
}

// Quality computes the score of a contact with its reasons, from the record itself and from who else has its
// numbers.
func (s *Service) Quality(ctx context.Context, c Contact) (Quality, error) {
	set, err := s.settings(ctx)
	if err != nil {
		return Quality{}, err
	}
	j := &judged{Quality: Quality{Score: 100, Problems: []Problem{}}, seen: map[string]bool{}}
	j.reach(c)
	j.company(c)
	if c.TaxID != "" && c.Address.Country == "" {
		j.add("no_country", "address.country", "there is a tax id but no country, and the tax depends on both")
	}
	j.custom(c, set)
	if err := s.blocked(ctx, j, c); err != nil {
		return Quality{}, err
	}
	err = s.others(ctx, j, c)
	return j.Quality, err
}

// reach judges addresses and numbers.
func (j *judged) reach(c Contact) {
	es := c.allEmails()
	switch {
	case len(es) == 0:
		j.add("no_email", "emails", "there is no e-mail address: estimates, invoices and reminders cannot be sent")
	case !slices.ContainsFunc(es, func(e Email) bool { return e.Use == Own }):
		j.add("only_shared", "emails", "every address is shared, so a booking or an inquiry is not recognised by it")
	case !slices.ContainsFunc(es, func(e Email) bool { return !e.VerifiedAt.IsZero() }):
		j.add("unverified", "emails", "no address was verified yet")
	}
	if len(c.allPhones()) == 0 {
		j.add("no_phone", "phones", "there is no telephone number")
	}
	each(c, func(at string, h Human) {
		for n, p := range h.Phones {
			if !p.Valid {
				j.add("invalid_phone", fmt.Sprintf("%sphones[%d].number", at, n), "%s is not a full valid number", p.Number)
			}
		}
	})
}

// each goes over the contact itself and its people, with the place of their fields.
func each(c Contact, do func(at string, h Human)) {
	do("", Human{Name: c.Name, Emails: c.Emails, Phones: c.Phones})
	for n, h := range c.People {
		do(fmt.Sprintf("people[%d].", n), h)
	}
}

func (j *judged) company(c Contact) {
	if c.Kind != Company {
		return
	}
	receives := func(h Human) bool { return slices.Contains(h.Receives, Invoices) && len(h.Emails) > 0 }
	switch {
	case len(c.People) == 0:
		j.add("no_people", "people", "nobody of this company is named: who books, and who receives invoices")
	case !slices.ContainsFunc(c.People, receives):
		j.add("nobody_receives", "people", "none of its people receives invoices at an address of their own")
	}
}

func (j *judged) custom(c Contact, set org.Settings) {
	for _, def := range set.CustomFields {
		value, field := c.Custom[def.Key], "custom."+def.Key
		if value == "" {
			if def.Required {
				j.add("custom_required", field, "%s is missing", def.Label)
			}
			continue
		}
		if err := def.Check(value); err != nil {
			j.add("custom_invalid", field, "%s", err.Error())
		}
	}
}

// blocked tells which addresses get no letters.
func (s *Service) blocked(ctx context.Context, j *judged, c Contact) error {
	var err error
	each(c, func(at string, h Human) {
		for n, e := range h.Emails {
			if err != nil {
				return
			}
			var b suppression.Block
			if b, err = suppression.Get(ctx, s.Table, suppression.Transactional, e.Key); err == nil && b.Stands() {
				j.add("blocked_email", fmt.Sprintf("%semails[%d].address", at, n), "nothing is mailed to %s since %s: %s", e.Address,
					b.At.Format("2006-01-02"), because[b.Because])
			}
		}
	})
	return err
}

// others looks who else has a number: two pointers are enough to know that somebody has.
func (s *Service) others(ctx context.Context, j *judged, c Contact) error {
	var err error
	each(c, func(at string, h Human) {
		for n, p := range h.Phones {
			if err != nil || !p.Valid {
				continue
			}
			var found store.Page
			found, err = s.Table.List(ctx, store.Query{Partition: phonePartition(p.E164), Limit: 2})
			if slices.ContainsFunc(found.Items, func(it store.Item) bool { return it.SK != c.ID }) {
				j.add("shared_phone", fmt.Sprintf("%sphones[%d].number", at, n), "%s stands with other contacts too", p.Number)
			}
		}
	})
	return err
}
