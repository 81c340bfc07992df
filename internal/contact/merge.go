package contact

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"onebook/internal/activity"
	"onebook/internal/fault"
	"onebook/internal/id"
	"onebook/internal/member"
	"onebook/internal/store"
)

const (
	// MergeKind is the kind of a merge's item.
	MergeKind = "merge"
	// MaxMembers is how many contacts may be merged into one.
	MaxMembers = 20
	// UndoFor is how long a merge can be undone.
	UndoFor = 30 * 24 * time.Hour
)

// Merge is one contact that was made part of another. It moves nothing: documents, entries and balances of both stay
// where they were born, and what is new goes to the survivor (design.md §3).
type Merge struct {
	ID         string    `json:"id"` // mg_…
	SurvivorID string    `json:"survivorId"`
	MergedID   string    `json:"mergedId"`
	At         time.Time `json:"at"`
	By         string    `json:"by"`
	UndoUntil  time.Time `json:"undoUntil"`
	UndoneAt   time.Time `json:"undoneAt,omitzero"`
	Offered    []Restore `json:"offered,omitempty"` // by an undo: fields changed since the merge, which kept their present value
}

// MergePreview is what a merge would come to.
type MergePreview struct {
	Contact  Contact // as it would be, with what both owe and have in hand
	MergedID string
	// Proposed is which of the two had better survive: the older one with issued documents, else the one that was
	// verified or changed last (rules.md §6).
	Proposed string
	Clashes  []Clash
	Because  []string // what speaks for their being one
	Against  []string // and what against it
}

// storedMerge is a merge with both images before and the survivor's after it.
type storedMerge struct {
	ID      string    `json:"id"`
	Into    string    `json:"i"`
	From    string    `json:"f"`
	At      time.Time `json:"t"`
	By      string    `json:"b"`
	Was     stored    `json:"w"` // the survivor before
	Lost    stored    `json:"l"` // the merged one
	Is      stored    `json:"s"` // the survivor after
	Members []string  `json:"m,omitempty"`
	Undone  time.Time `json:"u,omitzero"`
	Offered []Restore `json:"o,omitempty"`

	version int64
}

func mergeKey(into, mergeID string) store.Key {
	return store.Key{PK: "C#" + into, SK: "MERGE#" + mergeID}
}

func (m storedMerge) put() (store.Op, error) {
	body, err := json.Marshal(m)
	if err != nil {
		return store.Op{}, fmt.Errorf("merge: %w", err)
	}
	return store.Put(store.Item{Key: mergeKey(m.Into, m.ID), Version: m.version, Kind: MergeKind, Body: body}).Else(activity.ErrContended), nil
}

func decodeMerge(it store.Item) (storedMerge, error) {
	var m storedMerge
	if err := json.Unmarshal(it.Body, &m); err != nil {
		return storedMerge{}, fmt.Errorf("merge %s: %w", it.SK, err)
	}
	m.version = it.Version
	return m, nil
}

func (m storedMerge) view() Merge {
	return Merge{
		ID: m.ID, SurvivorID: m.Into, MergedID: m.From, At: m.At, By: m.By, UndoUntil: m.At.Add(UndoFor), UndoneAt: m.Undone, Offered: m.Offered,
	}
}

// GetMerge reads one merge. fault.NotFound when there is none.
func (s *Service) GetMerge(ctx context.Context, mergeID string) (Merge, error) {
	m, err := s.merge(ctx, mergeID)
	return m.view(), err
}

func (s *Service) merge(ctx context.Context, mergeID string) (storedMerge, error) {
	into, err := id.Contact("mg", mergeID)
	if err != nil {
		return storedMerge{}, err
	}
	it, err := s.Table.Get(ctx, mergeKey(into, mergeID))
	if errors.Is(err, fault.NotFound) {
		return storedMerge{}, fault.NotFound.Errorf("there is no such merge")
	}
	if err != nil {
		return storedMerge{}, err
	}
	return decodeMerge(it)
}

// Merges lists what was merged into a contact, the newest first, what was undone included.
func (s *Service) Merges(ctx context.Context, contactID string) ([]Merge, error) {
	owner, _, err := s.follow(ctx, contactID)
	if err != nil {
		return nil, err
	}
	ms, err := s.merges(ctx, owner)
	out := make([]Merge, 0, len(ms))
	for _, m := range ms {
		out = append(out, m.view())
	}
	return out, err
}

func (s *Service) merges(ctx context.Context, into string) ([]storedMerge, error) {
	var out []storedMerge
	for cursor := ""; ; {
		p, err := s.Table.List(ctx, store.Query{Partition: "C#" + into, Prefix: "MERGE#", Desc: true, Cursor: cursor})
		if err != nil {
			return nil, err
		}
		for _, it := range p.Items {
			m, err := decodeMerge(it)
			if err != nil {
				return nil, err
			}
			out = append(out, m)
		}
		if cursor = p.Cursor; cursor == "" {
			return out, nil
		}
	}
}

// MergeInput says which contact becomes part of the other, and where the proposal is overruled.
type MergeInput struct {
	MergedID string            // the one that becomes part of the survivor
	Keep     map[string]string // field → FromSurvivor or FromMerged, of fields with one value
}

// couple is two contacts that are to become one, as one moment shows them.
type couple struct {
	into, from         Contact
	intoHead, fromHead activity.Head
}

var errOneAlready = fault.Unready.Errorf("these are one contact already").Coded("merged")

// meet reads both contacts; into is what following the one that was asked for has come to.
func (s *Service) meet(ctx context.Context, asked, into string, h activity.Head, from string) (m couple, err error) {
	m.intoHead = h
	if err := id.Check("ct", from); err != nil || asked == from {
		return m, fault.InField("fromId", "invalid", "give the id of another contact")
	}
	if into == from {
		return m, errOneAlready
	}
	if m.fromHead, err = s.Records.Head(ctx, activity.ContactChain(from)); err != nil {
		return m, err
	}
	switch m.fromHead.MergedInto {
	case "":
	case into:
		return m, errOneAlready
	default:
		return m, fault.Unready.Errorf("that contact was merged into another one before; merge that one").Coded("merged").With("contactId", m.fromHead.MergedInto)
	}
	// The heads were read one after the other, so another merge or its undoing may lie between them.
	for _, c := range append(slices.Clone(m.fromHead.Members), from) {
		if c == into || slices.Contains(h.Members, c) {
			return m, errMerged
		}
	}
	if n := len(h.Members) + 1 + len(m.fromHead.Members); n > MaxMembers {
		return m, fault.Unready.Errorf("at most %d contacts can be merged into one; these would be %d", MaxMembers, n).Coded("too_large")
	}
	if m.into, err = s.read(ctx, into); err != nil {
		return m, err
	}
	if m.from, err = s.read(ctx, from); errors.Is(err, fault.NotFound) {
		return m, fault.InField("fromId", "not_found", "there is no such contact")
	} else if err != nil {
		return m, err
	}
	for _, c := range []Contact{m.into, m.from} {
		if !stateOf(c, activity.Head{}).Can(Merged) {
			return m, fault.Unready.Errorf("%s is archived; restore the contact first", c.Name)
		}
	}
	if m.into.Kind != m.from.Kind {
		return m, fault.Unready.Errorf("a person and a company are not one; change the kind of one of them first").Coded("kinds")
	}
	return m, nil
}

// Preview answers what a merge would come to, and changes nothing.
func (s *Service) Preview(ctx context.Context, by activity.By, survivorID string, in MergeInput) (MergePreview, error) {
	if err := member.May(by, member.ContactMerge); err != nil {
		return MergePreview{}, err
	}
	into, h, err := s.follow(ctx, survivorID)
	if err != nil {
		return MergePreview{}, err
	}
	m, err := s.meet(ctx, survivorID, into, h, in.MergedID)
	if errors.Is(err, errMerged) {
		return MergePreview{}, store.ErrBusy
	}
	if err != nil {
		return MergePreview{}, err
	}
	out := MergePreview{MergedID: m.from.ID}
	if out.Contact, out.Clashes, err = combine(m.into, m.from, in.Keep); err != nil {
		return MergePreview{}, err
	}
	both := h
	both.Members = slices.Concat(h.Members, []string{m.from.ID}, m.fromHead.Members)
	if err := s.weigh(ctx, &out.Contact, both); err != nil {
		return MergePreview{}, err
	}
	p := compare(&m.into, &m.from)
	out.Because, out.Against = p.Because, p.Against
	out.Proposed, err = s.proposed(ctx, m)
	return out, err
}

// proposed answers which of two contacts had better survive.
func (s *Service) proposed(ctx context.Context, m couple) (string, error) {
	older, newer := m.into, m.from
	if newer.CreatedAt.Before(older.CreatedAt) {
		older, newer = newer, older
	}
	if s.Issued != nil {
		for _, c := range []Contact{older, newer} {
			if yes, err := s.Issued(ctx, c.ID); err != nil || yes {
				return c.ID, err
			}
		}
	}
	last := func(c *Contact) time.Time {
		at := c.UpdatedAt
		for _, e := range c.Emails {
			if e.VerifiedAt.After(at) {
				at = e.VerifiedAt
			}
		}
		return at
	}
	if t, u := trust(&older), trust(&newer); t > u || t == u && !last(&newer).After(last(&older)) {
		return older.ID, nil
	}
	return newer.ID, nil
}

// Merge makes one contact part of another, in one write over the chains of both: the survivor takes over what identifies
// the other, and everything that is asked by the other's id is answered with the survivor. Doing it twice is doing it
// once. fault.Unready when either is archived or merged elsewhere, or when together they are too much for one contact.
func (s *Service) Merge(ctx context.Context, by activity.By, survivorID string, in MergeInput) (Merge, error) {
	if err := member.May(by, member.ContactMerge); err != nil {
		return Merge{}, err
	}
	var done storedMerge
	err := s.deed(ctx, func() error {
		into, _, err := s.follow(ctx, survivorID)
		if err != nil {
			return err
		}
		_, err = s.Records.Do(ctx, by, activity.ContactChain(into), func(ctx context.Context, h activity.Head) (*activity.Deed, error) {
			if h.MergedInto != "" {
				return nil, errMerged
			}
			m, err := s.meet(ctx, survivorID, into, h, in.MergedID)
			if errors.Is(err, errOneAlready) {
				done, err = s.earlier(ctx, into, in.MergedID)
				return nil, err
			}
			if err != nil {
				return nil, err
			}
			d, r, err := s.merging(ctx, by, m, in.Keep)
			done = r
			return d, err
		})
		return err
	})
	return done.view(), err
}

// earlier finds the merge by which one contact became part of another.
func (s *Service) earlier(ctx context.Context, into, from string) (storedMerge, error) {
	ms, err := s.merges(ctx, into)
	if err != nil {
		return storedMerge{}, err
	}
	for _, m := range ms {
		if m.From == from && m.Undone.IsZero() {
			return m, nil
		}
	}
	return storedMerge{}, errOneAlready // by way of a third
}

func (s *Service) merging(ctx context.Context, by activity.By, m couple, keep map[string]string) (*activity.Deed, storedMerge, error) {
	now := s.Now().UTC()
	next, _, err := combine(m.into, m.from, keep)
	if err != nil {
		return nil, storedMerge{}, err
	}
	changes, err := differences(m.into, next)
	if err != nil {
		return nil, storedMerge{}, err
	}
	next.UpdatedAt = now
	r := storedMerge{
		ID: s.IDs.Of("mg", next.ID), Into: next.ID, From: m.from.ID, At: now, By: by.Name,
		Was: m.into.stored(), Lost: m.from.stored(), Is: next.stored(), Members: m.fromHead.Members,
	}
	d := &activity.Deed{
		Kind: "contact.merged", Subject: r.ID, Refs: map[string]string{"survivor": next.ID, "merged": m.from.ID},
		Text: fmt.Sprintf("Merged %s into %s", m.from.Name, next.Name), Changes: changes,
		Tie: &activity.Tie{Members: slices.Concat(m.intoHead.Members, []string{m.from.ID}, m.fromHead.Members)},
		Beside: []activity.Beside{{Chain: activity.ContactChain(m.from.ID), Head: m.fromHead, Deed: activity.Deed{
			Kind: "contact.merged", Subject: r.ID, Refs: map[string]string{"survivor": next.ID, "merged": m.from.ID},
			Text: fmt.Sprintf("Became part of %s", next.Name), Tie: &activity.Tie{MergedInto: next.ID},
		}}},
	}
	if err := s.tie(ctx, d, m.fromHead.Members, next.ID); err != nil {
		return nil, storedMerge{}, err
	}
	for _, put := range []func() (store.Op, error){
		func() (store.Op, error) { return next.put() }, func() (store.Op, error) { return m.from.putAs(Merged) }, r.put,
	} {
		op, err := put()
		if err != nil {
			return nil, storedMerge{}, err
		}
		d.Ops = append(d.Ops, op)
	}
	err = s.handOver(ctx, d, []handing{{old: &m.into, next: &next}, {old: &m.from}}, next.ID)
	return d, r, err
}

// tie lets the heads of members lead to another contact. Nothing happens in their histories.
func (s *Service) tie(ctx context.Context, d *activity.Deed, members []string, into string) error {
	for _, c := range members {
		h, err := s.Records.Head(ctx, activity.ContactChain(c))
		if err != nil {
			return err
		}
		d.Beside = append(d.Beside, activity.Beside{Chain: activity.ContactChain(c), Head: h, Deed: activity.Deed{Tie: &activity.Tie{MergedInto: into}}})
	}
	return nil
}

// handing is what one contact of a merge was and will be found by; nil is nothing.
type handing struct{ old, next *Contact }

// handOver adds the operations that bring the guards, pointers and terms of several contacts from what they were to what
// they will be, in one write. A guard that nobody will have names heir from now on, or goes when there is none. Pointers
// and terms that lead nowhere any more are removed as far as one write has room: whoever reads them looks at the contact
// itself, so what is left of them is passed over.
func (s *Service) handOver(ctx context.Context, d *activity.Deed, hs []handing, heir string) error {
	var parties []string
	guards, has, had := map[store.Key]string{}, map[store.Key]string{}, map[store.Key]string{}
	for _, h := range hs {
		if h.old != nil {
			parties = append(parties, h.old.ID)
			for k, kind := range h.old.pointers() {
				if kind == GuardKind {
					guards[k] = heir
				} else {
					had[k] = kind
				}
			}
		}
	}
	for _, h := range hs {
		if h.next != nil {
			parties = append(parties, h.next.ID)
			for k, kind := range h.next.pointers() {
				if kind == GuardKind {
					guards[k] = h.next.ID
				} else {
					has[k] = kind
				}
			}
		}
	}
	for _, k := range sortedKeys(guards) {
		op, err := s.regard(ctx, k, guards[k], parties)
		if err != nil {
			return err
		}
		d.Ops = append(d.Ops, op...)
	}
	for _, k := range sortedKeys(has) {
		if had[k] != "" {
			continue
		}
		op, err := s.point(ctx, k, has[k], "", false)
		if err != nil {
			return err
		}
		d.Ops = append(d.Ops, op...)
	}
	room := store.MaxOps - len(d.Ops) - 3 - 2*len(d.Beside)
	if room < 0 {
		return fault.Unready.Errorf("together they have too many addresses, numbers and names for one step; remove some of them first").Coded("too_large")
	}
	for _, k := range sortedKeys(had) {
		if has[k] != "" || room == 0 {
			continue
		}
		it, err := s.Table.Get(ctx, k)
		if errors.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return err
		}
		d.Ops, room = append(d.Ops, store.Delete(k, it.Version).Else(activity.ErrContended)), room-1
	}
	return nil
}

// regard answers the operation by which a guard names another contact. One that somebody else holds stays theirs.
func (s *Service) regard(ctx context.Context, k store.Key, contactID string, parties []string) ([]store.Op, error) {
	it, err := s.Table.Get(ctx, k)
	if errors.Is(err, fault.NotFound) {
		if contactID == "" {
			return nil, nil
		}
		return s.point(ctx, k, GuardKind, contactID, true)
	}
	if err != nil {
		return nil, err
	}
	who, err := holderOf(it)
	if err != nil || who == contactID || !slices.Contains(parties, who) {
		return nil, err
	}
	if contactID == "" {
		return []store.Op{store.Delete(k, it.Version).Else(activity.ErrContended)}, nil
	}
	body, err := json.Marshal(guarded{Contact: contactID})
	if err != nil {
		return nil, fmt.Errorf("guard: %w", err)
	}
	return []store.Op{store.Put(store.Item{Key: k, Version: it.Version, Kind: GuardKind, Body: body}).Else(activity.ErrContended)}, nil
}
