package contact

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"onebook/internal/activity"
	"onebook/internal/fault"
	"onebook/internal/member"
	"onebook/internal/store"
)

// Undo takes a merge back: both contacts are two again, each with what identified it. What was made for the survivor since
// stays with it, and so does what people changed since; of back, fields with one value, the value before the merge is taken
// all the same. An address that went to somebody else meanwhile comes back as a shared one. Undoing twice is undoing once.
// fault.Unready after UndoFor, and while the survivor is itself part of another contact: that merge is undone first.
func (s *Service) Undo(ctx context.Context, by activity.By, mergeID string, back []string) (Merge, error) {
	if err := member.May(by, member.ContactMerge); err != nil {
		return Merge{}, err
	}
	for _, f := range back {
		if f != "address" && !slices.ContainsFunc(scalars, func(x scalar) bool { return x.field == f }) {
			return Merge{}, fault.InField("restore", "invalid", "%q is not a field with one value", printable(f))
		}
	}
	m, err := s.merge(ctx, mergeID)
	if err != nil {
		return Merge{}, err
	}
	err = s.deed(ctx, func() error {
		_, err := s.Records.Do(ctx, by, activity.ContactChain(m.Into), func(ctx context.Context, h activity.Head) (*activity.Deed, error) {
			if m, err = s.merge(ctx, mergeID); err != nil || !m.Undone.IsZero() {
				return nil, err
			}
			switch {
			case h.MergedInto != "":
				return nil, fault.Unready.Errorf("the survivor was merged into another contact since; undo that merge first").
					Coded("merged").With("contactId", h.MergedInto)
			case !s.Now().Before(m.At.Add(UndoFor)):
				return nil, fault.Unready.Errorf("a merge can be undone for %d days; this one is of %s", int(UndoFor.Hours()/24), m.At.Format("2006-01-02")).Coded("too_late")
			}
			return s.parting(ctx, &m, h, back)
		})
		return err
	})
	return m.view(), err
}

func (s *Service) parting(ctx context.Context, m *storedMerge, h activity.Head, back []string) (*activity.Deed, error) {
	fromHead, err := s.Records.Head(ctx, activity.ContactChain(m.From))
	if err != nil {
		return nil, err
	}
	now, err := s.read(ctx, m.Into)
	if err != nil {
		return nil, err
	}
	husk, err := s.read(ctx, m.From)
	if err != nil {
		return nil, err
	}
	stays, offered := separate(m.Was.contact(), m.Is.contact(), now, back)
	changes, err := differences(now, stays)
	if err != nil {
		return nil, err
	}
	at := s.Now().UTC()
	stays.UpdatedAt = at
	leaves := m.Lost.contact()
	leaves.version, leaves.UpdatedAt = husk.version, at
	leaves.ExternalIDs = maps.Clone(leaves.ExternalIDs)
	if err := s.shareTaken(ctx, &leaves, &stays); err != nil {
		return nil, err
	}
	m.Undone, m.Offered = at, offered
	d := &activity.Deed{
		Kind: "contact.unmerged", Subject: m.ID, Refs: map[string]string{"survivor": m.Into, "merged": m.From},
		Text: fmt.Sprintf("Undid the merge of %s into %s", leaves.Name, stays.Name), Changes: changes,
		Tie: &activity.Tie{Members: slices.DeleteFunc(slices.Clone(h.Members), func(c string) bool { return c == m.From || slices.Contains(m.Members, c) })},
		Beside: []activity.Beside{{Chain: activity.ContactChain(m.From), Head: fromHead, Deed: activity.Deed{
			Kind: "contact.unmerged", Subject: m.ID, Refs: map[string]string{"survivor": m.Into, "merged": m.From},
			Text: fmt.Sprintf("Is no part of %s any more", stays.Name), Tie: &activity.Tie{Members: m.Members},
		}}},
	}
	if err := s.tie(ctx, d, m.Members, m.From); err != nil {
		return nil, err
	}
	for _, put := range []func() (store.Op, error){stays.put, leaves.put, m.put} {
		op, err := put()
		if err != nil {
			return nil, err
		}
		d.Ops = append(d.Ops, op)
	}
	return d, s.handOver(ctx, d, []handing{{old: &now, next: &stays}, {next: &leaves}}, "")
}

// shareTaken makes shared what cannot be an own address of a contact that comes back, because somebody else holds it by
// now, and leaves out such an external id.
func (s *Service) shareTaken(ctx context.Context, leaves, stays *Contact) error {
	taken := func(k store.Key) (bool, error) {
		who, err := s.holder(ctx, k)
		return who != "" && who != leaves.ID && who != stays.ID || stays.pointers()[k] != "", err
	}
	lists := [][]Email{leaves.Emails}
	for _, h := range leaves.People {
		lists = append(lists, h.Emails)
	}
	for _, es := range lists {
		for i, e := range es {
			if e.Use != Own {
				continue
			}
			gone, err := taken(emailGuard(e.Key))
			if err != nil {
				return err
			}
			if gone {
				es[i].Use = Shared
			}
		}
	}
	for system, value := range leaves.ExternalIDs {
		gone, err := taken(externalGuard(system, value))
		if err != nil {
			return err
		}
		if gone {
			delete(leaves.ExternalIDs, system)
		}
	}
	return nil
}
