package contact

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"onebook/internal/activity"
	"onebook/internal/fault"
	"onebook/internal/id"
	"onebook/internal/member"
	"onebook/internal/org"
	"onebook/internal/store"
)

// Service keeps the contacts.
type Service struct {
	Table   store.Table
	Records *activity.Records
	IDs     id.Source
	Now     func() time.Time
	// Org answers the organisation's settings: its country, in which national telephone numbers are read when a contact
	// has none of its own, and its custom fields. nil: neither, and such a number has no match key.
	Org func(ctx context.Context) (org.Settings, error)
	// Phones reads telephone numbers. Only what writes or matches contacts needs it; without, both are refused.
	Phones Phones
	// Issued reports whether a contact has issued documents, which the preview of a merge prefers; nil: nobody knows.
	Issued func(ctx context.Context, contactID string) (bool, error)
}

var errNoPhones = errors.New("contact: this function does not read telephone numbers, so it can neither write nor match contacts")

// Phones reads telephone numbers. It is a port because whoever knows the plans of all countries carries megabytes of
// them, which a function that only reads contacts need not load.
type Phones interface {
	// E164 answers the international form of a number, and false when there is none: it is not valid in its country's
	// plan, or it is national and region, the ISO 3166 code of the country in which it is read, is empty.
	E164(number, region string) (string, bool)
	// National answers the digits of an international form as they are dialled within its country, "" when unknown.
	National(e164 string) string
}

func (s *Service) settings(ctx context.Context) (org.Settings, error) {
	if s.Org == nil {
		return org.Settings{}, nil
	}
	return s.Org(ctx)
}

// Create adds a contact. fault.Invalid names every wrong field; fault.Denied when the actor may not write one of the
// fields given; fault.Exists, with contactId, when an own address or an external id belongs to somebody.
func (s *Service) Create(ctx context.Context, by activity.By, in Input) (Contact, error) {
	return s.Introduce(ctx, by, in, func(context.Context, Contact, *activity.Deed) error { return nil })
}

// Introduce is Create with more in the same write: also may add operations to the deed and tell it in its own words. It is
// called again whenever the deed is decided anew.
func (s *Service) Introduce(ctx context.Context, by activity.By, in Input, also func(ctx context.Context, c Contact, d *activity.Deed) error) (Contact, error) {
	set, err := s.settings(ctx)
	if err != nil {
		return Contact{}, err
	}
	now := s.Now().UTC()
	c := Contact{ID: s.IDs.New("ct"), Balance: []Balance{}, CreatedAt: now, UpdatedAt: now}
	empty := c
	if err := c.fill(in, set, s.Phones, by.Kind == activity.Member); err != nil {
		return Contact{}, err
	}
	given, err := differences(empty, c)
	if err != nil {
		return Contact{}, err
	}
	if err := allowed(by, given); err != nil {
		return Contact{}, err
	}
	err = s.deed(ctx, func() error {
		e, err := s.Records.Do(ctx, by, activity.ContactChain(c.ID), func(ctx context.Context, _ activity.Head) (*activity.Deed, error) {
			op, err := c.put()
			if err != nil {
				return nil, err
			}
			ops, err := s.repoint(ctx, nil, &c)
			if err != nil {
				return nil, err
			}
			d := &activity.Deed{Kind: "contact.created", Subject: c.ID, Text: "Added " + c.Name, Ops: append(ops, op)}
			return d, also(ctx, c, d)
		})
		c.seq = e.Seq
		return err
	})
	if err != nil {
		return Contact{}, err
	}
	c.version = 1
	return c, nil
}

// Update replaces what people edit. fault.Stale, with the current contact, when version is not the stored one;
// fault.Denied when a changed field is not the actor's to change; otherwise as Create. An update that changes nothing
// writes nothing.
func (s *Service) Update(ctx context.Context, by activity.By, contactID string, version int64, in Input) (Contact, error) {
	set, err := s.settings(ctx)
	if err != nil {
		return Contact{}, err
	}
	return s.change(ctx, by, contactID, version, func(c *Contact) (string, string, error) {
		old := *c
		if err := c.fill(in, set, s.Phones, by.Kind == activity.Member); err != nil {
			return "", "", err
		}
		changes, err := differences(old, *c)
		if err != nil {
			return "", "", err
		}
		return "contact.changed", "Changed " + spoken(changes), allowed(by, changes)
	})
}

// Archive takes a contact out of lists and searches. Its story, its documents and its keys stay: the address of an
// archived contact still finds it. A version of 0 is not compared.
func (s *Service) Archive(ctx context.Context, by activity.By, contactID string, version int64) (Contact, error) {
	return s.change(ctx, by, contactID, version, func(c *Contact) (string, string, error) {
		if stateOf(*c, activity.Head{}).Can(Archived) {
			c.ArchivedAt = s.Now().UTC()
		}
		return "contact.archived", "Archived " + c.Name, member.May(by, member.ContactArchive)
	})
}

// Restore brings an archived contact back.
func (s *Service) Restore(ctx context.Context, by activity.By, contactID string, version int64) (Contact, error) {
	return s.change(ctx, by, contactID, version, func(c *Contact) (string, string, error) {
		c.ArchivedAt = time.Time{}
		return "contact.restored", "Restored " + c.Name, member.May(by, member.ContactArchive)
	})
}

// change reads a contact, lets edit change it, and writes what differs. A contact that was merged is followed once, unless
// a version is named: that was of another record, so it is stale.
func (s *Service) change(ctx context.Context, by activity.By, contactID string, version int64, edit func(*Contact) (kind, text string, err error)) (Contact, error) {
	var out Contact
	err := s.deed(ctx, func() error {
		owner, _, err := s.follow(ctx, contactID)
		if err != nil {
			return err
		}
		e, err := s.Records.Do(ctx, by, activity.ContactChain(owner), func(ctx context.Context, h activity.Head) (*activity.Deed, error) {
			if h.MergedInto != "" {
				return nil, errMerged
			}
			old, err := s.read(ctx, owner)
			if err != nil {
				return nil, err
			}
			if err := s.weigh(ctx, &old, h); err != nil {
				return nil, err
			}
			// The version that a merged contact had says nothing of the one that survived.
			if version != 0 && (old.version != version || owner != contactID) {
				return nil, errStale.With("current", old)
			}
			out = old
			kind, text, err := edit(&out)
			if err != nil {
				return nil, err
			}
			changes, err := differences(old, out)
			if err != nil || len(changes) == 0 {
				return nil, err
			}
			out.UpdatedAt = s.Now().UTC()
			op, err := out.put()
			if err != nil {
				return nil, err
			}
			ops, err := s.repoint(ctx, &old, &out)
			if err != nil {
				return nil, err
			}
			return &activity.Deed{Kind: kind, Subject: out.ID, Text: text, Changes: changes, Ops: append([]store.Op{op}, ops...)}, nil
		})
		if err == nil && e.Seq > 0 {
			out.version, out.seq = out.version+1, out.seq+1
		}
		return err
	})
	if err != nil {
		return Contact{}, err
	}
	return out, nil
}

// read reads what people edit of one contact, as it is: without following a merge and without its head.
func (s *Service) read(ctx context.Context, contactID string) (Contact, error) {
	if err := id.Check("ct", contactID); err != nil {
		return Contact{}, err
	}
	it, err := s.Table.Get(ctx, itemKey(contactID))
	if errors.Is(err, fault.NotFound) {
		return Contact{}, fault.NotFound.Errorf("there is no such contact")
	}
	if err != nil {
		return Contact{}, err
	}
	return decode(it)
}

// Get reads one contact with what it owes and has in hand. One that was merged into another is answered as that one:
// balances are the sums over all that were merged. fault.NotFound when there is none.
func (s *Service) Get(ctx context.Context, contactID string) (Contact, error) {
	contactID, h, err := s.follow(ctx, contactID)
	if err != nil {
		return Contact{}, err
	}
	c, err := s.read(ctx, contactID)
	if err != nil {
		return Contact{}, err
	}
	if err := s.weigh(ctx, &c, h); err != nil {
		return Contact{}, err
	}
	return c, nil
}

// follow answers the contact that a merge, if there was one, made of this one, with its head.
func (s *Service) follow(ctx context.Context, contactID string) (string, activity.Head, error) {
	if err := id.Check("ct", contactID); err != nil {
		return "", activity.Head{}, err
	}
	h, err := s.Records.Head(ctx, activity.ContactChain(contactID))
	if err != nil || h.MergedInto == "" {
		return contactID, h, err
	}
	contactID = h.MergedInto
	h, err = s.Records.Head(ctx, activity.ContactChain(contactID))
	return contactID, h, err
}

// weigh fills in balance and sequence: the contact's own, and those of the contacts merged into it.
func (s *Service) weigh(ctx context.Context, c *Contact, h activity.Head) error {
	sums := map[string]Balance{}
	add := func(h activity.Head) {
		c.seq += h.Seq
		for cur, b := range h.Balances {
			sum := sums[cur]
			sums[cur] = Balance{Currency: cur, Due: sum.Due + b.Due, Credit: sum.Credit + b.Credit}
		}
	}
	c.seq = 0
	add(h)
	for _, m := range h.Members {
		mh, err := s.Records.Head(ctx, activity.ContactChain(m))
		if err != nil {
			return err
		}
		add(mh)
	}
	c.Balance = balances(sums)
	return nil
}

func spoken(changes []activity.Change) string {
	var w []string
	for _, c := range changes {
		w = append(w, spokenField(c.Field))
	}
	if len(w) > 1 {
		return fmt.Sprintf("%s and %s", strings.Join(w[:len(w)-1], ", "), w[len(w)-1])
	}
	return strings.Join(w, "")
}
