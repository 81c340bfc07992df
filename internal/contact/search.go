package contact

import (
	"context"
	"errors"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/sync/errgroup"

	"onebook/internal/activity"
	"onebook/internal/fault"
	"onebook/internal/find"
	"onebook/internal/id"
	"onebook/internal/store"
)

// terms are what a contact is found by, each folded and once: the words of its names, its addresses, the digits of its
// numbers as dialled from abroad and at home, and the same of its people.
func (c *Contact) terms() []string {
	var out []string
	for _, n := range []string{c.Name, c.GivenName, c.FamilyName, c.Company} {
		out = append(out, nameTerms(n)...)
	}
	for _, h := range c.People {
		out = append(out, nameTerms(h.Name)...)
	}
	for _, e := range c.allEmails() {
		out = append(out, emailTerms(e)...)
	}
	for _, p := range c.allPhones() {
		if !p.Valid {
			out = append(out, digits(p.Number))
			continue
		}
		out = append(out, digits(p.E164), p.National)
	}
	slices.Sort(out)
	return slices.DeleteFunc(slices.Compact(out), func(t string) bool { return t == "" })
}

// maxWord is how much of a long word is kept; a search is cut alike.
const maxWord = 60

func nameTerms(name string) []string {
	w := nameWords(name)
	for i := range w {
		w[i] = cut(w[i])
	}
	return w
}

func cut(w string) string {
	if r := []rune(w); len(r) > maxWord {
		return string(r[:maxWord])
	}
	return w
}

// emailTerms are the match key, the address in its own letters where the key has it in ASCII, and the review key, by
// which [Service.Match] proposes.
func emailTerms(e Email) []string {
	out := []string{find.Fold(e.Key), find.Fold(e.Address)}
	if _, review, err := Key(e.Address); err == nil && review != "" {
		out = append(out, find.Fold(review))
	}
	return out
}

// query is a search made ready: scan is the beginning of a term that every hit has, the rest decides on the contact.
type query struct {
	scan  string
	parts []part
}

// part is one word of a query. A contact has it when a term begins with it as it was typed, or when for each of its
// words a term begins with that: so "jane.doe" finds an address, and also Jane Doe.
type part struct {
	whole string
	words []string
}

func (p part) in(terms []string) bool {
	return begins(terms, p.whole) || len(p.words) > 0 && !slices.ContainsFunc(p.words, func(w string) bool { return !begins(terms, w) })
}

func begins(terms []string, prefix string) bool {
	return prefix != "" && slices.ContainsFunc(terms, func(t string) bool { return strings.HasPrefix(t, prefix) })
}

// ask reads a query. One that holds nothing to look for has an empty scan.
func ask(text string) query {
	if d := digits(text); len(d) >= 3 && !strings.ContainsFunc(text, func(r rune) bool { return !phoneRune(r) }) {
		return query{scan: d, parts: []part{{whole: d}}}
	}
	var q query
	for _, f := range strings.Fields(find.Fold(text)) {
		p := part{whole: f, words: strings.FieldsFunc(f, func(r rune) bool { return !wordRune(r) })}
		for i := range p.words {
			p.words[i] = cut(p.words[i])
		}
		// An address is one term. Any other word may be read in both ways, and both begin with its first run of
		// letters, so that is what the index can be asked for.
		run := f
		if !strings.Contains(f, "@") {
			if len(p.words) == 0 {
				continue
			}
			p.whole, run = strings.TrimLeftFunc(f, func(r rune) bool { return !wordRune(r) }), p.words[0]
		}
		q.parts = append(q.parts, p)
		if len(run) > len(q.scan) {
			q.scan = run
		}
	}
	return q
}

func phoneRune(r rune) bool {
	return r >= '0' && r <= '9' || unicode.IsSpace(r) || strings.ContainsRune("+-()/.", r)
}

func (q query) found(terms []string) bool {
	return !slices.ContainsFunc(q.parts, func(p part) bool { return !p.in(terms) })
}

// maxPages bounds the pages of the index that one answer looks through; a common beginning with a rare second word is
// gone through over several answers.
const maxPages = 10

// Page limits of lists.
const (
	DefaultPage = 50
	MaxPage     = 200
)

// List answers the contacts of one state, Active or Archived, with their balances. Without a query it is all of them, newest first;
// with one, those of whom every word of it begins a name, the company, an address, or a telephone number, in the order
// of what was found. A page may hold fewer than limit and still have a cursor. The index is by two characters: of a
// single one it knows only terms that are no longer. Behind these come those whose documents have numbers that begin with
// the query.
func (s *Service) List(ctx context.Context, state State, text string, limit int, cursor string) ([]Contact, string, error) {
	if limit <= 0 || limit > MaxPage {
		limit = DefaultPage
	}
	if strings.TrimSpace(text) == "" {
		return s.newest(ctx, state, limit, cursor)
	}
	var out []Contact
	if cursor != numbersNext {
		var err error
		if out, cursor, err = s.Named(ctx, state, text, limit, cursor); err != nil || cursor != "" {
			return out, cursor, err
		}
		if len(out) == limit {
			return out, numbersNext, nil
		}
	}
	more, err := s.numbered(ctx, state, text, limit-len(out))
	return append(out, more...), "", err
}

// numbersNext is the cursor behind the contacts that are found by themselves: those found by their documents follow.
const numbersNext = "numbers"

func (s *Service) newest(ctx context.Context, state State, limit int, cursor string) ([]Contact, string, error) {
	partitions := make([]string, Shards)
	for n := range partitions {
		partitions[n] = ListPartition(state, n)
	}
	items, next, err := store.Merged(ctx, s.Table, partitions, store.Query{Index: store.ByList, Desc: true, Limit: limit, Cursor: cursor})
	if err != nil {
		return nil, "", err
	}
	ids := make([]string, len(items))
	for i, it := range items {
		ids[i] = strings.TrimPrefix(it.PK, "C#")
	}
	found, err := s.load(ctx, ids)
	return listed(found, state), next, err
}

// Named answers the contacts of one state that are found by a query of their own: names, addresses, telephone numbers.
func (s *Service) Named(ctx context.Context, state State, text string, limit int, cursor string) ([]Contact, string, error) {
	out := []Contact{}
	q := ask(text)
	if q.scan == "" {
		return out, "", nil
	}
	for n := 0; n < maxPages && len(out) < limit; n++ {
		hits, next, err := find.Beginning(ctx, s.Table, q.scan, limit-len(out), cursor)
		if err != nil {
			return nil, "", err
		}
		var ids, terms []string
		for _, h := range hits {
			if h.Kind == find.Contact {
				ids, terms = append(ids, h.ID), append(terms, h.Term)
			}
		}
		found, err := s.load(ctx, ids)
		if err != nil {
			return nil, "", err
		}
		for i, c := range found {
			// A contact with several terms of this beginning is shown where its first one stands.
			if mine := c.terms(); firstWith(mine, q.scan) == terms[i] && q.found(mine) {
				out = append(out, listed(found[i:i+1], state)...)
			}
		}
		if cursor = next; cursor == "" {
			break
		}
	}
	return out, cursor, nil
}

// maxNumbered is how many documents one search for their numbers looks at.
const maxNumbered = 20

// numbered answers at most limit contacts of documents whose numbers begin with text, each once, without those that a
// search finds by themselves.
func (s *Service) numbered(ctx context.Context, state State, text string, limit int) ([]Contact, error) {
	hits, _, err := find.Beginning(ctx, s.Table, find.Fold(strings.TrimSpace(text)), maxNumbered, "")
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, h := range hits {
		if h.Kind == find.Contact {
			continue
		}
		owner, err := s.owner(ctx, h)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(ids, owner) {
			ids = append(ids, owner)
		}
	}
	found, err := s.load(ctx, ids)
	if err != nil {
		return nil, err
	}
	q := ask(text)
	out := slices.DeleteFunc(listed(found, state), func(c Contact) bool { return q.found(c.terms()) })
	return out[:min(limit, len(out))], nil
}

// owner answers whose a document is, after a merge was followed.
func (s *Service) owner(ctx context.Context, h find.Hit) (string, error) {
	born, err := id.Owner(h.ID)
	if err != nil {
		return "", err
	}
	owner, _, err := s.follow(ctx, born)
	return owner, err
}

func firstWith(sorted []string, prefix string) string {
	for _, t := range sorted {
		if strings.HasPrefix(t, prefix) {
			return t
		}
	}
	return ""
}

// listed leaves out what a list does not show: contacts of another state, and ids that hold none any more.
func listed(cs []Contact, state State) []Contact {
	out := []Contact{}
	for _, c := range cs {
		if c.ID != "" && stateOf(c, activity.Head{}) == state {
			out = append(out, c)
		}
	}
	return out
}

// load reads contacts in the order of their ids, each as it is. An id that holds none, or was merged into another,
// which stands in lists itself, leaves a zero Contact in its place.
func (s *Service) load(ctx context.Context, ids []string) ([]Contact, error) {
	out := make([]Contact, len(ids))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for i, contactID := range ids {
		g.Go(func() error {
			h, err := s.Records.Head(ctx, activity.ContactChain(contactID))
			if err != nil || h.MergedInto != "" {
				return err
			}
			c, err := s.read(ctx, contactID)
			if errors.Is(err, fault.NotFound) {
				return nil
			}
			if err != nil {
				return err
			}
			out[i] = c
			return s.weigh(ctx, &out[i], h)
		})
	}
	return out, g.Wait()
}
