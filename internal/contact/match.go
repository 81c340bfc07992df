package contact

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"onebook/internal/fault"
	"onebook/internal/find"
	"onebook/internal/store"
)

// Outcomes of a match.
const (
	Matched = "match"  // one contact, beyond doubt
	Review  = "review" // a person decides among the candidates
	None    = "none"
)

// MatchInput is what is known of somebody. ExternalID is written system:id.
type MatchInput struct {
	Name       string `json:"name,omitempty"`
	Email      string `json:"email,omitempty"`
	Phone      string `json:"phone,omitempty"`
	ExternalID string `json:"externalId,omitempty"`
}

// Candidate is a contact that it might be.
type Candidate struct {
	ContactID string   `json:"contactId"`
	Name      string   `json:"name"`
	Company   string   `json:"company,omitempty"`
	Person    string   `json:"person,omitempty"`
	Because   []string `json:"because"`
}

// Outcome is what a match comes to. Because says in plain words what spoke for it, and what was not used.
type Outcome struct {
	Outcome    string      `json:"outcome"`
	ContactID  string      `json:"contactId,omitempty"` // of a match
	Person     string      `json:"person,omitempty"`    // who of a company's people it is, where a key says so
	Because    []string    `json:"because"`
	Candidates []Candidate `json:"candidates"`

	strong int // contacts that a strong key names
}

// Strong reports whether a key that belongs to one contact alone was among what is known: then it cannot be given to another.
func (o Outcome) Strong() bool { return o.strong > 0 }

// manyUsers is how many contacts may have one number before it says nothing about a person.
const manyUsers = 5

// maxCandidates bounds what is proposed by weak signs.
const maxCandidates = 10

// evidence gathers what speaks for whom, in the order in which it was found.
type evidence struct {
	s      *Service
	who    []Contact
	why    map[string][]string
	strong []string // ids that a strong key names, each once
	notes  []string

	system, value string // the external id that was given
	key, e164     string // of the address and the number that were given
	name          string
}

// Match finds the contact that somebody is, by the rules of identity (rules.md §6): an external id, else an own e-mail
// address, else a telephone number behind the name gate. Strong keys that name different contacts, shared addresses,
// numbers of many, similar addresses and equal names end in a review at most. It changes nothing. A key that is not
// valid is not used, and Because says so. fault.Invalid for an external id without a system.
func (s *Service) Match(ctx context.Context, in MatchInput) (Outcome, error) {
	e := &evidence{s: s, why: map[string][]string{}, name: in.Name}
	for _, look := range []func(context.Context, MatchInput) error{e.external, e.email, e.phone} {
		if err := look(ctx, in); err != nil {
			return Outcome{}, err
		}
	}
	if len(e.strong) == 0 {
		if err := e.names(ctx, in); err != nil {
			return Outcome{}, err
		}
	}
	return e.outcome(), nil
}

func (e *evidence) outcome() Outcome {
	out := Outcome{Outcome: None, Because: e.notes, Candidates: []Candidate{}, strong: len(e.strong)}
	for _, c := range e.who {
		out.Candidates = append(out.Candidates, Candidate{ContactID: c.ID, Name: c.Name, Company: c.Company, Person: e.person(c), Because: e.why[c.ID]})
	}
	switch {
	case len(e.strong) == 1 && e.otherID(e.strong[0]):
		out.Outcome = Review
		out.Because = append([]string{"that contact has another external id of " + e.system}, e.notes...)
	case len(e.strong) == 1:
		out.Outcome, out.ContactID = Matched, e.strong[0]
		out.Person = out.Candidates[slices.IndexFunc(e.who, func(c Contact) bool { return c.ID == out.ContactID })].Person
		out.Because = append(slices.Clone(e.why[out.ContactID]), e.notes...)
	case len(e.strong) > 1:
		out.Outcome = Review
		out.Because = append([]string{"the keys belong to different contacts"}, e.notes...)
	case len(e.who) > 0:
		out.Outcome = Review
		out.Because = append([]string{"nothing that identifies one person alone"}, e.notes...)
	}
	if out.Because == nil {
		out.Because = []string{"nothing is known of this person"}
	}
	return out
}

// person names who of a company's people has the address that was given, else the number with the name.
func (e *evidence) person(c Contact) string {
	for _, h := range c.People {
		if e.key != "" && slices.ContainsFunc(h.Emails, func(x Email) bool { return x.Key == e.key }) {
			return h.Name
		}
	}
	for _, h := range c.People {
		if e.e164 != "" && hasPhone(h.Phones, e.e164) && SameName(h.Name, e.name) {
			return h.Name
		}
	}
	return ""
}

// otherID reports whether a contact is known to the same system under another id: then it is somebody else there.
func (e *evidence) otherID(contactID string) bool {
	for _, c := range e.who {
		// One that a merge has brought along leads to the contact by its guard.
		if has := c.ExternalIDs[e.system]; c.ID == contactID && has != "" && has != e.value && !slices.Contains(e.why[c.ID], "external id "+e.system) {
			return true
		}
	}
	return false
}

func (e *evidence) note(c Contact, strong bool, why string) {
	if e.why[c.ID] == nil {
		e.who = append(e.who, c)
	}
	if !slices.Contains(e.why[c.ID], why) {
		e.why[c.ID] = append(e.why[c.ID], why)
	}
	if strong && !slices.Contains(e.strong, c.ID) {
		e.strong = append(e.strong, c.ID)
	}
}

func (e *evidence) external(ctx context.Context, in MatchInput) error {
	if in.ExternalID == "" {
		return nil
	}
	system, value, ok := strings.Cut(in.ExternalID, ":")
	if value = strings.TrimSpace(value); !ok || value == "" || len(value) > 800 || !systemForm(system) {
		return fault.InField("externalId", "invalid", "an external id is written system:id, such as crm:4711")
	}
	e.system, e.value = system, value
	_, err := e.guarded(ctx, externalGuard(system, value), "external id "+system)
	return err
}

// guarded notes whoever holds a guard. Only own addresses have one: an address that a stranger merely claimed has not.
func (e *evidence) guarded(ctx context.Context, k store.Key, why string) (bool, error) {
	contactID, err := e.s.holder(ctx, k)
	if err != nil || contactID == "" {
		return false, err
	}
	c, err := e.s.Get(ctx, contactID)
	if errors.Is(err, fault.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	e.note(c, true, why)
	return true, nil
}

// Holder answers the contact that an address is its own of, after a merge was followed; "" when nobody holds it, or it is no
// address. It is the strong half of [Service.Match] for an address, and costs no search.
func (s *Service) Holder(ctx context.Context, address string) (string, error) {
	key, _, err := Key(address)
	if err != nil {
		return "", nil
	}
	contactID, err := s.holder(ctx, emailGuard(key))
	if err != nil || contactID == "" {
		return "", err
	}
	contactID, _, err = s.follow(ctx, contactID)
	return contactID, err
}

// Has reports whether an address is one of the contact's or of its people's.
func (c Contact) Has(address string) bool {
	key, _, err := Key(address)
	return err == nil && slices.ContainsFunc(c.allEmails(), func(e Email) bool { return e.Key == key })
}

func (e *evidence) email(ctx context.Context, in MatchInput) error {
	if strings.TrimSpace(in.Email) == "" {
		return nil
	}
	key, review, err := Key(in.Email)
	if err != nil {
		e.notes = append(e.notes, "the e-mail address is not one and was not used")
		return nil
	}
	e.key = key
	if found, err := e.guarded(ctx, emailGuard(key), "e-mail"); err != nil || found {
		return err
	}
	for _, term := range slices.Compact([]string{find.Fold(key), find.Fold(review)}) {
		if term == "" {
			continue
		}
		found, err := e.s.having(ctx, term)
		if err != nil {
			return err
		}
		for _, c := range found {
			e.alike(c, key, review)
		}
	}
	return nil
}

// alike notes a contact that has the address as a shared one, or one that differs only in a tag or dots.
func (e *evidence) alike(c Contact, key, review string) {
	for _, x := range c.allEmails() {
		if x.Key == key {
			e.note(c, false, "shared e-mail")
			return
		}
		if _, r, err := Key(x.Address); err == nil && r != "" && r == review {
			e.note(c, false, "similar e-mail")
			return
		}
	}
}

// having reads the contacts that have exactly this search term, a few.
func (s *Service) having(ctx context.Context, term string) ([]Contact, error) {
	hits, err := find.Whole(ctx, s.Table, term, find.Contact, maxCandidates)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, h := range hits {
		ids = append(ids, h.ID)
	}
	return s.present(ctx, ids)
}

// present loads contacts and leaves out ids that hold none or were merged.
func (s *Service) present(ctx context.Context, ids []string) ([]Contact, error) {
	cs, err := s.load(ctx, ids)
	return slices.DeleteFunc(cs, func(c Contact) bool { return c.ID == "" }), err
}

func (e *evidence) phone(ctx context.Context, in MatchInput) error {
	if strings.TrimSpace(in.Phone) == "" {
		return nil
	}
	if e.s.Phones == nil {
		return errNoPhones
	}
	set, err := e.s.settings(ctx)
	if err != nil {
		return err
	}
	e164, ok := e.s.Phones.E164(in.Phone, set.Address.Country)
	if !ok {
		e.notes = append(e.notes, "the telephone number is not a full valid one and was not used")
		return nil
	}
	e.e164 = e164
	p, err := e.s.Table.List(ctx, store.Query{Partition: phonePartition(e164), Limit: manyUsers + 1})
	if err != nil {
		return err
	}
	var ids []string
	for _, it := range p.Items {
		ids = append(ids, it.SK)
	}
	users, err := e.s.present(ctx, ids)
	if err != nil {
		return err
	}
	users = slices.DeleteFunc(users, func(c Contact) bool { return !hasPhone(c.allPhones(), e164) })
	if len(p.Items) > manyUsers {
		e.notes = append(e.notes, fmt.Sprintf("more than %d contacts have this telephone number", manyUsers))
		for _, c := range users {
			e.note(c, false, "phone of many")
		}
		return nil
	}
	e.ring(users, e164, in.Name)
	return nil
}

// ring weighs the contacts that have a number. When a stronger key has named a contact that has the number too, it
// confirms; when others have it and that one has not, the keys contradict each other, whatever the names say.
func (e *evidence) ring(users []Contact, e164, name string) {
	keyed := slices.Clone(e.strong)
	confirmed := slices.ContainsFunc(users, func(c Contact) bool { return slices.Contains(keyed, c.ID) })
	var through []Contact
	for _, c := range users {
		if c.answers(e164, name) {
			through = append(through, c)
		}
	}
	for _, c := range users {
		passed := slices.ContainsFunc(through, func(t Contact) bool { return t.ID == c.ID })
		switch {
		case slices.Contains(keyed, c.ID):
			e.note(c, true, "phone")
		case len(keyed) > 0:
			e.note(c, !confirmed, "phone")
		case passed:
			e.note(c, len(through) == 1, "phone and name")
		default:
			e.note(c, false, "phone, but not the name")
		}
	}
}

// answers reports whether somebody of this name is reached at the number: the contact itself, or one of its people.
func (c *Contact) answers(e164, name string) bool {
	for _, h := range c.People {
		if hasPhone(h.Phones, e164) && SameName(h.Name, name) {
			return true
		}
	}
	return hasPhone(c.Phones, e164) && (SameName(c.Name, name) || SameName(c.GivenName+" "+c.FamilyName, name))
}

func hasPhone(ps []Phone, e164 string) bool {
	return slices.ContainsFunc(ps, func(p Phone) bool { return p.E164 == e164 })
}

// names proposes contacts of the same name. It is for a person to decide: a name never links (rules.md §6).
func (e *evidence) names(ctx context.Context, in MatchInput) error {
	if len(nameWords(in.Name)) == 0 {
		return nil
	}
	found, _, err := e.s.Named(ctx, Active, strings.Join(nameWords(in.Name), " "), maxCandidates, "")
	if err != nil {
		return err
	}
	for _, c := range found {
		if SameName(c.Name, in.Name) || slices.ContainsFunc(c.People, func(h Human) bool { return SameName(h.Name, in.Name) }) {
			e.note(c, false, "same name")
		}
	}
	return nil
}
