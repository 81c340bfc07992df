package contact

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"onebook/internal/activity"
	"onebook/internal/fault"
	"onebook/internal/id"
)

// Event is one entry of a contact's timeline.
type Event struct {
	ID        string            `json:"id"` // ev_…
	At        time.Time         `json:"at"`
	Actor     string            `json:"actor"`     // name, or what kind of actor where a name was erased
	ActorKind string            `json:"actorKind"` // member, automation, client
	Kind      string            `json:"kind"`
	Subject   string            `json:"subject"` // id of the thing it is about
	Text      string            `json:"text"`
	Reason    string            `json:"reason,omitempty"`
	Changes   []activity.Change `json:"changes"`
}

// Timeline lists what happened with a contact and with those merged into it, newest first. fault.NotFound when there is no such contact.
func (s *Service) Timeline(ctx context.Context, contactID string, limit int, cursor string) ([]Event, string, error) {
	if err := id.Check("ct", contactID); err != nil {
		return nil, "", err
	}
	family, err := s.Records.Family(ctx, contactID)
	if err != nil {
		return nil, "", err
	}
	if _, err := s.read(ctx, family[0]); err != nil {
		return nil, "", err
	}
	if limit <= 0 || limit > MaxPage {
		limit = DefaultPage
	}
	chains := make([]activity.Chain, len(family))
	for i, m := range family {
		chains[i] = activity.ContactChain(m)
	}
	es, next, err := s.Records.Together(ctx, chains, limit, cursor)
	if err != nil {
		return nil, "", err
	}
	out := make([]Event, 0, len(es))
	for _, e := range es {
		v := Event{
			ID: fmt.Sprintf("ev_%s%012d", strings.TrimPrefix(e.Chain.Contact(), "ct_"), e.Seq), At: e.At, Actor: e.By.Name, ActorKind: e.By.Kind,
			Kind: e.Kind, Subject: e.Subject, Text: e.Text, Reason: e.Reason, Changes: e.Changes,
		}
		if v.Actor == "" {
			v.Actor = e.By.Kind
		}
		if v.Changes == nil {
			v.Changes = []activity.Change{}
		}
		out = append(out, v)
	}
	return out, next, nil
}

// Recipient is where letters to a contact go.
type Recipient struct {
	ContactID string // the one that owns the record, after a merge was followed
	Name      string
	Email     string // empty when there is no address
	Locale    string // empty: the organisation's
	TimeZone  string // empty: the organisation's
}

// Recipient answers where letters about one matter go, Invoices, Estimates or Visits: of a company to the first of its people
// who receives them and has an address, else to the contact's own address, the verified one before others. What is to be
// decided, an estimate or a visit, goes to whoever books when the company has no address of its own; a bill goes to nobody
// who was not named for it.
func (s *Service) Recipient(ctx context.Context, contactID, matter string) (Recipient, error) {
	c, err := s.Get(ctx, contactID)
	if err != nil {
		return Recipient{}, err
	}
	r := Recipient{ContactID: c.ID, Name: c.Name, Locale: c.Locale, TimeZone: c.TimeZone}
	best, own := c.receiver(matter), bestAddress(c.Emails)
	if best.Name == "" && own.Address == "" && matter != Invoices {
		best = c.receiver(Visits)
	}
	if best.Name != "" {
		r.Name, own = best.Name, bestAddress(best.Emails)
	}
	r.Email = deliverable(own)
	return r, nil
}

// receiver is the first of the people who receives a matter and has an address; a zero Human when there is none.
func (c Contact) receiver(matter string) Human {
	for _, h := range c.People {
		if slices.Contains(h.Receives, matter) && bestAddress(h.Emails).Address != "" {
			return h
		}
	}
	return Human{}
}

// At names who of the company's people has an address, "" when it is none of theirs.
func (c Contact) At(address string) string {
	key, _, err := Key(address)
	for _, h := range c.People {
		if err == nil && slices.ContainsFunc(h.Emails, func(e Email) bool { return e.Key == key }) {
			return h.Name
		}
	}
	return ""
}

// Recipients are all to whom letters with an invoice go, the one of [Service.Recipient] first: the people of a company who
// receive invoices and have an address, else the contact itself, once, whether or not it has an address.
func (c Contact) Recipients() []Recipient {
	var out []Recipient
	for _, h := range c.People {
		if his := bestAddress(h.Emails); his.Address != "" && slices.Contains(h.Receives, Invoices) {
			out = append(out, Recipient{ContactID: c.ID, Name: h.Name, Email: deliverable(his), Locale: c.Locale, TimeZone: c.TimeZone})
		}
	}
	if len(out) == 0 {
		out = []Recipient{{ContactID: c.ID, Name: c.Name, Email: deliverable(bestAddress(c.Emails)), Locale: c.Locale, TimeZone: c.TimeZone}}
	}
	return out
}

// deliverable is an address as mail is sent to it: the local part as typed, since its host may tell cases apart, and the
// domain in ASCII.
func deliverable(e Email) string {
	at, host := strings.LastIndexByte(e.Address, '@'), strings.LastIndexByte(e.Key, '@')
	if at < 0 || host < 0 {
		return ""
	}
	return e.Address[:at] + e.Key[host:]
}

// bestAddress prefers a verified address, then an own one, then the first.
func bestAddress(es []Email) Email {
	best, rank := Email{}, -1
	for _, e := range es {
		r := 0
		if e.Use == Own {
			r = 1
		}
		if !e.VerifiedAt.IsZero() {
			r = 2
		}
		if r > rank {
			best, rank = e, r
		}
	}
	return best
}

// Snapshot is the contact as a document freezes it.
type Snapshot struct {
	ContactID string   // the one that owns the record, after a merge was followed
	Name      string   // of the person or company
	Company   string   // where the person works
	Address   []string // lines as on an envelope
	TaxID     string
	Email     string
	Phone     string
	Locale    string // empty: the organisation's
	Currency  string // empty: the organisation's
}

// Snapshot answers what a document needs of a contact at this moment. fault.Unready when it is archived: nothing new is
// made for it until it is restored.
func (s *Service) Snapshot(ctx context.Context, contactID string) (Snapshot, error) {
	c, err := s.Get(ctx, contactID)
	if err != nil {
		return Snapshot{}, err
	}
	if !c.ArchivedAt.IsZero() {
		return Snapshot{}, fault.Unready.Errorf("%s is archived; restore the contact first", c.Name)
	}
	out := Snapshot{
		ContactID: c.ID, Name: c.Name, Company: c.Company, Address: c.Address.Lines(), TaxID: c.TaxID, Email: bestAddress(c.Emails).Address,
		Locale: c.Locale, Currency: c.Currency,
	}
	if len(c.Phones) > 0 {
		out.Phone = c.Phones[0].Number
	}
	return out, nil
}
