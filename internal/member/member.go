// Package member is the people of the organisation and what they may do.
//
// A pointer leads from the subject of a person's sign-in token to the member; the sign-in itself is made by an effect,
// because it is made elsewhere. The role is read anew for each request, at
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
	"unicode"

	"onebook/internal/activity"
	"onebook/internal/effect"
	"onebook/internal/fault"
	"onebook/internal/id"
	"onebook/internal/issue"
	"onebook/internal/store"
)

// Member is one person of the organisation.
type Member struct {
	ID        string    `json:"id"`            // mb_…
	Sub       string    `json:"sub,omitempty"` // the subject of the person's tokens; empty until the sign-in is made
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

func subKey(sub string) store.Key { return store.Key{PK: "ORG", SK: "SUB#" + sub} }

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
	m, err := s.ofSub(ctx, sub)
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

func (s *Service) ofSub(ctx context.Context, sub string) (Member, error) {
	it, err := s.Table.Get(ctx, subKey(sub))
	if errors.Is(err, fault.Invalid) {
		return Member{}, fault.NotFound.Errorf("there is no such member")
	}
	if err != nil {
		return Member{}, err
	}
	var ref struct{ ID string }
	if err := json.Unmarshal(it.Body, &ref); err != nil {
		return Member{}, fmt.Errorf("member: %w", err)
	}
	return s.Get(ctx, ref.ID)
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
	if in.Name == "" || len([]rune(in.Name)) > 200 {
		f.Add("name", "invalid", "a name of 1 to 200 characters is needed")
	}
	if strings.ContainsFunc(in.Name, unicode.IsControl) {
		f.Add("name", "invalid", "a name is one line of text")
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

// SignIn is the effect that makes a member's sign-in; its subject is the member.
const SignIn = "member.signin"

// Invite adds a member; the sign-in, with the mail that tells how to begin, is an effect. fault.Exists when somebody with
// this address is a member already.
func (s *Service) Invite(ctx context.Context, by activity.By, in Input) (Member, error) {
	return s.add(ctx, by, in, "", nil)
}

// Admit adds a member whose sign-in is there already, under this subject.
func (s *Service) Admit(ctx context.Context, by activity.By, in Input, sub string) (Member, error) {
	return s.add(ctx, by, in, sub, nil)
}

// add stores a member, whose sign-in is there already when sub is given, with further operations in the same write.
func (s *Service) add(ctx context.Context, by activity.By, in Input, sub string, more []store.Op) (Member, error) {
	if err := in.check(); err != nil {
		return Member{}, err
	}
	if err := guard(by, "", in.Role, false); err != nil {
		return Member{}, err
	}
	now := s.Now().UTC()
	m := Member{ID: s.IDs.New("mb"), Sub: sub, Name: in.Name, Email: in.Email, Role: in.Role, InvitedAt: now}
	_, err := s.Records.Do(ctx, by, activity.OrgChain(now), func(ctx context.Context, _ activity.Head) (*activity.Deed, error) {
		op, err := m.put()
		if err != nil {
			return nil, err
		}
		taken := fault.Exists.Errorf("somebody with this e-mail address is a member already")
		guard, err := pointer(emailGuard(in.Email), m.ID)
		if err != nil {
			return nil, err
		}
		ops := append([]store.Op{op, guard.Else(taken)}, more...)
		if sub != "" {
			p, err := pointer(subKey(sub), m.ID)
			if err != nil {
				return nil, err
			}
			ops = append(ops, p.Else(taken))
		} else {
			e, err := effect.New(effect.Effect{
				ID: s.IDs.New("ef"), Lane: effect.Mail, Kind: SignIn, Subject: m.ID, Title: "Invitation of " + m.Name, Area: issue.Admin,
			}, now)
			if err != nil {
				return nil, err
			}
			ops = append(ops, e)
		}
		return &activity.Deed{
			Kind: "member.invited", Subject: m.ID, Text: fmt.Sprintf("Invited %s as %s", m.Name, m.Role),
			Changes: []activity.Change{{Field: "role", To: string(m.Role)}}, Ops: ops,
		}, nil
	})
	m.version = 1
	return m, err
}

func pointer(k store.Key, memberID string) (store.Op, error) {
	body, err := json.Marshal(map[string]string{"id": memberID})
	if err != nil {
		return store.Op{}, fmt.Errorf("member: %w", err)
	}
	return store.Put(store.Item{Key: k, Kind: "guard", Body: body}), nil
}

// Enrol plans the effect that makes a member's sign-in.
func (s *Service) Enrol(d Directory) effect.Handler {
	return func(ctx context.Context, e effect.Effect) (effect.Plan, error) {
		m, err := s.Get(ctx, e.Subject)
		if err != nil {
			return effect.Plan{}, err
		}
		if m.Sub != "" || !m.RemovedAt.IsZero() {
			return effect.Plan{Skip: "no sign-in is needed any more"}, nil
		}
		return effect.Plan{
			Call: func(ctx context.Context) (string, error) { return d.Ensure(ctx, m.Email, m.Name) },
			Done: func(ctx context.Context, sub string, ops ...store.Op) error { return s.enrolled(ctx, m.ID, sub, ops) },
		}, nil
	}
}

func (s *Service) enrolled(ctx context.Context, memberID, sub string, ops []store.Op) error {
	by := activity.By{Kind: activity.Automation, ID: Courier, Name: "Post"}
	_, err := s.Records.Do(ctx, by, activity.OrgChain(s.Now()), func(ctx context.Context, _ activity.Head) (*activity.Deed, error) {
		m, err := s.Get(ctx, memberID)
		if err != nil {
			return nil, err
		}
		m.Sub = sub
		op, err := m.put()
		if err != nil {
			return nil, err
		}
		p, err := pointer(subKey(sub), m.ID)
		if err != nil {
			return nil, err
		}
		return &activity.Deed{
			Kind: "member.enrolled", Subject: m.ID, Text: "Made the sign-in of " + m.Name,
			Ops: append(append([]store.Op(nil), ops...), op, p.Else(fault.Exists.Errorf("this sign-in belongs to another member"))),
		}, nil
	})
	s.forget(sub)
	return err
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
		op, err := m.put()
		if err != nil {
			return nil, err
		}
		ops := []store.Op{op}
		if before == Owner && (m.Role != Owner || !m.RemovedAt.IsZero()) {
			stays, err := s.anotherOwner(ctx, m.ID)
			if err != nil {
				return nil, err
			}
			ops = append(ops, stays)
		}
		if !m.RemovedAt.IsZero() {
			for _, k := range []store.Key{emailGuard(m.Email), subKey(m.Sub)} {
				if m.Sub == "" && k == subKey("") {
					continue
				}
				g, err := s.Table.Get(ctx, k)
				if errors.Is(err, fault.NotFound) {
					continue
				}
				if err != nil {
					return nil, err
				}
				ops = append(ops, store.Delete(g.Key, g.Version).Else(activity.ErrContended))
			}
		}
		out = m
		out.version++
		return &activity.Deed{
			Kind: kind, Subject: m.ID, Text: text,
			Changes: []activity.Change{{Field: "role", From: string(before), To: string(m.Role)}}, Ops: ops,
		}, nil
	})
	s.forget(out.Sub)
	return out, err
}

func (s *Service) forget(sub string) {
	s.mu.Lock()
	delete(s.cache, sub)
	s.mu.Unlock()
}

// anotherOwner answers the operation that demands that somebody else stays owner: two owners may leave at one moment, and at a
// month's end their deeds are entries of different chains.
func (s *Service) anotherOwner(ctx context.Context, but string) (store.Op, error) {
	all, err := s.List(ctx)
	if err != nil {
		return store.Op{}, err
	}
	for _, m := range all {
		if m.Role == Owner && m.ID != but {
			return store.Check(key(m.ID), m.version).Else(activity.ErrContended), nil
		}
	}
	return store.Op{}, fault.Unready.Errorf("the organisation needs an owner; make somebody else one first")
}

// Directory keeps the sign-ins of people. Ensure makes one for an address, whose owner is told how to begin, or finds the one
// that is there; it answers the subject that the person's tokens will carry.
type Directory interface {
	Ensure(ctx context.Context, email, name string) (sub string, err error)
}

// First makes the first owner, once: a second call with the same address changes nothing, and one with another is
// fault.Exists. Further members are invited by an owner or admin.
func (s *Service) First(ctx context.Context, d Directory, email, name string) (Member, error) {
	all, err := s.List(ctx)
	if err != nil {
		return Member{}, err
	}
	for _, m := range all {
		if strings.EqualFold(m.Email, email) {
			return m, nil
		}
	}
	if len(all) > 0 {
		return Member{}, fault.Exists.Errorf("this organisation has an owner already")
	}
	sub, err := d.Ensure(ctx, email, name)
	if err != nil {
		return Member{}, err
	}
	claim := store.Put(store.Item{Key: store.Key{PK: "CLAIM#first-owner", SK: "CLAIM"}, Kind: "claim", Body: []byte("{}")}).
		Else(fault.Exists.Errorf("this organisation has an owner already"))
	return s.add(ctx, Automaton(Setup), Input{Name: name, Email: email, Role: Owner}, sub, []store.Op{claim})
}
