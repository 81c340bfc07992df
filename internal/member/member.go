// Package member is the people of the organisation and what they may do.
//
// A member's record lies under the subject of the person's sign-in token. Its role is read anew for each request, at
// most a minute old, so a member who was removed or given another role notices at once. Rights are checked in the
// domain by [May], on the actor that is a parameter of each deed.
package member

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"sync"
	"time"

	"onebook/internal/activity"
	"onebook/internal/fault"
	"onebook/internal/id"
	"onebook/internal/store"
)

// Member is one person of the organisation.
type Member struct {
	ID        string    `json:"id"` // the token's subject, or mb_… until the invitation is taken up
	Name      string    `json:"name"`
	Email     string    `json:"email"`
	Role      Role      `json:"role"`
	InvitedAt time.Time `json:"invitedAt,omitzero"`
	RemovedAt time.Time `json:"removedAt,omitzero"`

	version int64
}

// Version is the version that was read: the If-Match version.
func (m Member) Version() int64 { return m.version }

// ItemKind is the kind of a member's item.
const ItemKind = "member"

func key(memberID string) store.Key { return store.Key{PK: "ORG", SK: "MEM#" + memberID} }

func (m Member) put() (store.Op, error) {
	body, err := json.Marshal(m)
	if err != nil {
		return store.Op{}, fmt.Errorf("member: %w", err)
	}
	return store.Put(store.Item{Key: key(m.ID), Version: m.version, Kind: ItemKind, Body: body}).
		Else(fault.Stale.Errorf("this member was changed meanwhile; read it again")), nil
}

func decode(it store.Item) (Member, error) {
	var m Member
	if err := json.Unmarshal(it.Body, &m); err != nil {
		return Member{}, fmt.Errorf("member %s: %w", it.SK, err)
	}
	m.version = it.Version
	return m, nil
}

// Service keeps the members.
type Service struct {
	Table   store.Table
	Records *activity.Records
	IDs     id.Source
	Now     func() time.Time

	mu    sync.Mutex
	cache map[string]cached
}

type cached struct {
	by   activity.By
	err  error
	read time.Time
}

// liveFor is how long a role may be remembered: a removal bites within 60 s (rules.md §9).
const liveFor = 30 * time.Second

// Live answers the actor behind a token's subject with its role of now, at most 30 s old. fault.Denied for somebody who
// is no member, or none any more.
func (s *Service) Live(ctx context.Context, sub string) (activity.By, error) {
	s.mu.Lock()
	c, ok := s.cache[sub]
	s.mu.Unlock()
	now := s.Now()
	if ok && now.Sub(c.read) < liveFor && !now.Before(c.read) {
		return c.by, c.err
	}
	m, err := s.Get(ctx, sub)
	if err != nil && !errors.Is(err, fault.NotFound) {
		return activity.By{}, err
	}
	c = cached{read: now}
	if err != nil || !m.RemovedAt.IsZero() {
		c.err = fault.Denied.Errorf("you are not a member of this organisation; ask its owner for an invitation")
	} else {
		c.by = activity.By{Kind: activity.Member, ID: m.ID, Name: m.Name, Role: string(m.Role)}
	}
	s.mu.Lock()
	if s.cache == nil || len(s.cache) > 10_000 { // strangers' subjects must not fill the memory
		s.cache = map[string]cached{}
	}
	s.cache[sub] = c
	s.mu.Unlock()
	return c.by, c.err
}

// Get reads one member, also a removed one. fault.NotFound when there is none.
func (s *Service) Get(ctx context.Context, memberID string) (Member, error) {
	it, err := s.Table.Get(ctx, key(memberID))
	if errors.Is(err, fault.NotFound) || errors.Is(err, fault.Invalid) {
		return Member{}, fault.NotFound.Errorf("there is no such member")
	}
	if err != nil {
		return Member{}, err
	}
	return decode(it)
}

// List answers all members that are not removed, by id.
func (s *Service) List(ctx context.Context) ([]Member, error) {
	var out []Member
	q := store.Query{Partition: "ORG", Prefix: "MEM#"}
	for {
		p, err := s.Table.List(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, it := range p.Items {
			m, err := decode(it)
			if err != nil {
				return nil, err
			}
			if m.RemovedAt.IsZero() {
				out = append(out, m)
			}
		}
		if q.Cursor = p.Cursor; q.Cursor == "" {
			return out, nil
		}
	}
}

// Input is what a person says of a member.
type Input struct {
	Name  string
	Email string
	Role  Role
}

func (in *Input) check() error {
	var f fault.Fields
	in.Name, in.Email = strings.TrimSpace(in.Name), strings.TrimSpace(in.Email)
	if in.Name == "" || len(in.Name) > 200 {
		f.Add("name", "invalid", "a name of 1 to 200 characters is needed")
	}
	if a, err := mail.ParseAddress(in.Email); err != nil || a.Address != in.Email || len(in.Email) > 254 {
		f.Add("email", "invalid", "%q is not an e-mail address", in.Email)
	}
	if !slices.Contains(Roles, in.Role) {
		f.Add("role", "invalid", "a role is one of owner, admin, billing, booking, sales, viewer")
	}
	return f.Err()
}

// guard refuses what an admin may not do: touch an owner, make one, or change the own role.
func guard(by activity.By, old, next Role, self bool) error {
	if err := May(by, MemberWrite); err != nil {
		return err
	}
	if by.Role == string(Admin) && (old == Owner || next == Owner || self) {
		return fault.Denied.Errorf("an admin may change neither owners nor the own role; ask an owner")
	}
	return nil
}

// Invite adds a member under memberID; the mail with the sign-in is an effect. An empty memberID makes one, to be
// replaced by the sign-in's subject when the invitation is sent out.
func (s *Service) Invite(ctx context.Context, by activity.By, memberID string, in Input) (Member, error) {
	if err := in.check(); err != nil {
		return Member{}, err
	}
	if err := guard(by, "", in.Role, false); err != nil {
		return Member{}, err
	}
	if memberID == "" {
		memberID = s.IDs.New("mb")
	}
	now := s.Now().UTC()
	m := Member{ID: memberID, Name: in.Name, Email: in.Email, Role: in.Role, InvitedAt: now}
	_, err := s.Records.Do(ctx, by, activity.OrgChain(now), func(ctx context.Context, _ activity.Head) (*activity.Deed, error) {
		op, err := m.put()
		if err != nil {
			return nil, err
		}
		body, err := json.Marshal(map[string]string{"id": m.ID})
		if err != nil {
			return nil, fmt.Errorf("member: %w", err)
		}
		taken := fault.Exists.Errorf("somebody with this e-mail address is a member already")
		mailGuard := store.Put(store.Item{Key: emailGuard(in.Email), Kind: "guard", Body: body}).Else(taken)
		return &activity.Deed{
			Kind: "member.invited", Subject: m.ID, Text: fmt.Sprintf("Invited %s as %s", m.Name, m.Role),
			Changes: []activity.Change{{Field: "role", To: string(m.Role)}}, Ops: []store.Op{op.Else(taken), mailGuard},
		}, nil
	})
	m.version = 1
	return m, err
}

func emailGuard(email string) store.Key {
	return store.Key{PK: "U#member#" + strings.ToLower(email), SK: "U"}
}

// Update changes name or role. fault.Stale when version is not the stored one; the last owner cannot be demoted.
func (s *Service) Update(ctx context.Context, by activity.By, memberID string, version int64, in Input) (Member, error) {
	if err := in.check(); err != nil {
		return Member{}, err
	}
	return s.change(ctx, by, memberID, version, "member.changed", func(m *Member) (string, error) {
		if err := guard(by, m.Role, in.Role, m.ID == by.ID); err != nil {
			return "", err
		}
		if in.Email != m.Email {
			return "", fault.InField("email", "immutable", "the address of a sign-in cannot be changed; remove the member and invite the new address")
		}
		text := fmt.Sprintf("Changed %s: %s", in.Name, in.Role)
		m.Name, m.Role = in.Name, in.Role
		return text, nil
	})
}

// Remove takes somebody's access away, within a minute everywhere. The record stays for the history.
func (s *Service) Remove(ctx context.Context, by activity.By, memberID string, version int64) error {
	_, err := s.change(ctx, by, memberID, version, "member.removed", func(m *Member) (string, error) {
		if err := guard(by, m.Role, "", m.ID == by.ID); err != nil {
			return "", err
		}
		m.RemovedAt = s.Now().UTC()
		return "Removed " + m.Name, nil
	})
	return err
}

func (s *Service) change(ctx context.Context, by activity.By, memberID string, version int64, kind string, edit func(*Member) (string, error)) (Member, error) {
	var out Member
	_, err := s.Records.Do(ctx, by, activity.OrgChain(s.Now()), func(ctx context.Context, _ activity.Head) (*activity.Deed, error) {
		m, err := s.Get(ctx, memberID)
		if err != nil {
			return nil, err
		}
		if !m.RemovedAt.IsZero() {
			return nil, fault.NotFound.Errorf("there is no such member")
		}
		if m.version != version {
			return nil, fault.Stale.Errorf("this member was changed meanwhile; read it again")
		}
		before := m.Role
		text, err := edit(&m)
		if err != nil {
			return nil, err
		}
		if before == Owner && (m.Role != Owner || !m.RemovedAt.IsZero()) {
			if err := s.anotherOwner(ctx, m.ID); err != nil {
				return nil, err
			}
		}
		op, err := m.put()
		if err != nil {
			return nil, err
		}
		ops := []store.Op{op}
		if !m.RemovedAt.IsZero() {
			if g, err := s.Table.Get(ctx, emailGuard(m.Email)); err == nil {
				ops = append(ops, store.Delete(g.Key, g.Version).Else(activity.Contended))
			} else if !errors.Is(err, fault.NotFound) {
				return nil, err
			}
		}
		out = m
		out.version++
		return &activity.Deed{
			Kind: kind, Subject: m.ID, Text: text,
			Changes: []activity.Change{{Field: "role", From: string(before), To: string(m.Role)}}, Ops: ops,
		}, nil
	})
	s.forget(memberID)
	return out, err
}

func (s *Service) forget(memberID string) {
	s.mu.Lock()
	delete(s.cache, memberID)
	s.mu.Unlock()
}

func (s *Service) anotherOwner(ctx context.Context, but string) error {
	all, err := s.List(ctx)
	if err != nil {
		return err
	}
	for _, m := range all {
		if m.Role == Owner && m.ID != but {
			return nil
		}
	}
	return fault.Unready.Errorf("the organisation needs an owner; make somebody else one first")
}
