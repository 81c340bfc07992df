package contact

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"onebook/internal/activity"
	"onebook/internal/fault"
	"onebook/internal/find"
	"onebook/internal/member"
	"onebook/internal/store"
)

// ApartKind is the kind of the item that says that two contacts are not the same.
const ApartKind = "apart"

// Duplicate is two contacts that may be one, for a person to decide: a proposal is never a link.
type Duplicate struct {
	Contacts []Candidate `json:"contacts"` // both, the newer first
	Score    int         `json:"score"`    // the weight of what speaks for it less that of what speaks against, at most 100
	Because  []string    `json:"because"`
	Against  []string    `json:"against"`
}

// minScore is the weight from which a pair is proposed. A name alone has less, so it proposes nobody (rules.md §6).
const minScore = 40

// sign is one thing that two contacts may have in common or differ in.
type sign struct {
	text   string
	weight int // below zero speaks against
	shown  func(a, b *Contact) bool
}

var signs = []sign{
	{"same telephone number", 40, func(a, b *Contact) bool {
		return slices.ContainsFunc(a.allPhones(), func(p Phone) bool { return p.Valid && hasPhone(b.allPhones(), p.E164) })
	}},
	{"same e-mail address", 40, func(a, b *Contact) bool { return common(keysOf(a), keysOf(b)) }},
	{"similar e-mail address", 30, func(a, b *Contact) bool {
		return !common(keysOf(a), keysOf(b)) && common(reviewKeysOf(a), reviewKeysOf(b))
	}},
	{"same name", 30, func(a, b *Contact) bool { return SameName(a.Name, b.Name) }},
	{"same tax id", 40, func(a, b *Contact) bool { return a.TaxID != "" && plain(a.TaxID) == plain(b.TaxID) }},
	{"same address", 30, func(a, b *Contact) bool {
		return a.Address.Line1 != "" && plain(a.Address.Line1) == plain(b.Address.Line1) &&
			(plain(a.Address.PostalCode) == plain(b.Address.PostalCode) || plain(a.Address.City) == plain(b.Address.City))
	}},
	{"same company", 10, func(a, b *Contact) bool { return a.Company != "" && plain(a.Company) == plain(b.Company) }},
	{"same date in a custom field", 20, func(a, b *Contact) bool {
		for k, v := range a.Custom {
			if _, err := time.Parse(time.DateOnly, v); err == nil && b.Custom[k] == v {
				return true
			}
		}
		return false
	}},
	{"different names", -20, func(a, b *Contact) bool { return !SameName(a.Name, b.Name) }},
	{"different tax ids", -40, func(a, b *Contact) bool {
		return a.TaxID != "" && b.TaxID != "" && plain(a.TaxID) != plain(b.TaxID)
	}},
	{"different ids in one system", -40, func(a, b *Contact) bool {
		for system, v := range a.ExternalIDs {
			if w := b.ExternalIDs[system]; w != "" && w != v {
				return true
			}
		}
		return false
	}},
	{"one is a person and the other a company", -40, func(a, b *Contact) bool { return a.Kind != b.Kind }},
}

// compare weighs what speaks for and against two contacts being one.
func compare(a, b *Contact) Duplicate {
	d := Duplicate{Because: []string{}, Against: []string{}}
	for _, c := range []*Contact{a, b} {
		d.Contacts = append(d.Contacts, Candidate{ContactID: c.ID, Name: c.Name, Company: c.Company, Because: []string{}})
	}
	for _, s := range signs {
		switch {
		case !s.shown(a, b):
			continue
		case s.weight > 0:
			d.Because = append(d.Because, s.text)
		default:
			d.Against = append(d.Against, s.text)
		}
		d.Score += s.weight
	}
	d.Score = min(max(d.Score, 0), 100)
	return d
}

func plain(s string) string { return strings.Join(strings.Fields(find.Fold(s)), "") }

func keysOf(c *Contact) []string {
	var out []string
	for _, e := range c.allEmails() {
		out = append(out, e.Key)
	}
	return out
}

func reviewKeysOf(c *Contact) []string {
	var out []string
	for _, e := range c.allEmails() {
		if _, r, err := Key(e.Address); err == nil && r != "" {
			out = append(out, r)
		}
	}
	return out
}

func common(a, b []string) bool {
	return slices.ContainsFunc(a, func(x string) bool { return slices.Contains(b, x) })
}

// Duplicates proposes pairs of active contacts that may be one, each pair once, with what speaks for and against it. It goes
// through the contacts, the newest first, limit of them a page: a page may hold no pair and still have a cursor. Pairs that
// somebody has found to be two are left out.
func (s *Service) Duplicates(ctx context.Context, limit int, cursor string) ([]Duplicate, string, error) {
	if limit <= 0 || limit > MaxPage {
		limit = DefaultPage
	}
	cs, next, err := s.newest(ctx, Active, limit, cursor)
	if err != nil {
		return nil, "", err
	}
	found := make([][]Duplicate, len(cs))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for i := range cs {
		g.Go(func() (err error) {
			found[i], err = s.alike(ctx, &cs[i])
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, "", err
	}
	out := slices.Concat(found...)
	sort.SliceStable(out, func(i, j int) bool { return out[i].Score > out[j].Score })
	return out, next, nil
}

// alike answers the older contacts that may be the same as c.
func (s *Service) alike(ctx context.Context, c *Contact) ([]Duplicate, error) {
	near, err := s.near(ctx, c)
	if err != nil {
		return nil, err
	}
	var out []Duplicate
	seen := map[string]bool{c.ID: true}
	for _, o := range near {
		if seen[o.ID] || o.ID > c.ID || !o.ArchivedAt.IsZero() {
			continue
		}
		seen[o.ID] = true
		d := compare(c, &o)
		if d.Score < minScore {
			continue
		}
		_, err := s.Table.Get(ctx, apartKey(c.ID, o.ID))
		if errors.Is(err, fault.NotFound) {
			out = append(out, d)
		} else if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// near answers contacts that share something by which the record can be asked: a number that few have, an address or what
// is left of it without tags and dots, a name or a word of it.
func (s *Service) near(ctx context.Context, c *Contact) ([]Contact, error) {
	var ids []string
	for _, p := range c.allPhones() {
		if !p.Valid {
			continue
		}
		users, err := s.Table.List(ctx, store.Query{Partition: phonePartition(p.E164), Limit: manyUsers + 1})
		if err != nil {
			return nil, err
		}
		if len(users.Items) <= manyUsers {
			for _, it := range users.Items {
				ids = append(ids, it.SK)
			}
		}
	}
	out, err := s.present(ctx, ids)
	if err != nil {
		return nil, err
	}
	for _, e := range c.allEmails() {
		for _, term := range emailTerms(e) {
			more, err := s.having(ctx, term)
			if err != nil {
				return nil, err
			}
			out = append(out, more...)
		}
	}
	words := nameTerms(c.Name)
	if len(words) > 1 {
		more, _, err := s.Named(ctx, Active, strings.Join(words, " "), maxCandidates, "")
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	for _, w := range words { // so that one word may be misspelt
		more, err := s.having(ctx, w)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	return out, nil
}

// apartKey is where it stands that two contacts are not the same, in whatever order they are given.
func apartKey(a, b string) store.Key {
	return store.Key{PK: "C#" + min(a, b), SK: "APART#" + max(a, b)}
}

// Dismiss notes that two contacts are not the same, so that they are not proposed again. It is told in both histories.
// Repeated, it changes nothing.
func (s *Service) Dismiss(ctx context.Context, by activity.By, a, b string) error {
	if err := member.May(by, member.ContactMerge); err != nil {
		return err
	}
	if a == b {
		return fault.InField("contactIds", "invalid", "give two different contacts")
	}
	var names [2]string
	for i, c := range []string{a, b} {
		who, err := s.read(ctx, c)
		if errors.Is(err, fault.NotFound) {
			return fault.InField(fmt.Sprintf("contactIds[%d]", i), "not_found", "there is no such contact")
		}
		if err != nil {
			return err
		}
		names[i] = who.Name
	}
	_, err := s.Records.Do(ctx, by, activity.ContactChain(a), func(ctx context.Context, _ activity.Head) (*activity.Deed, error) {
		_, err := s.Table.Get(ctx, apartKey(a, b))
		if !errors.Is(err, fault.NotFound) {
			return nil, err
		}
		other, err := s.Records.Head(ctx, activity.ContactChain(b))
		if err != nil {
			return nil, err
		}
		body, err := json.Marshal(map[string]string{"by": by.ID})
		if err != nil {
			return nil, fmt.Errorf("apart: %w", err)
		}
		deed := func(subject, who string) activity.Deed {
			return activity.Deed{Kind: "contact.apart", Subject: subject, Refs: map[string]string{"other": who}, Text: "Found not to be the same as " + map[string]string{a: names[0], b: names[1]}[who]}
		}
		d := deed(a, b)
		d.Ops = []store.Op{store.Put(store.Item{Key: apartKey(a, b), Kind: ApartKind, Body: body}).Else(activity.ErrContended)}
		d.Beside = []activity.Beside{{Chain: activity.ContactChain(b), Head: other, Deed: deed(b, a)}}
		return &d, nil
	})
	return err
}
