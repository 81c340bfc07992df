package member_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"onebook/internal/fault"
	"onebook/internal/member"
	"onebook/internal/rig"
)

// pool makes a sign-in for every address, when all that it waits for have asked.
type pool struct{ all *sync.WaitGroup }

func (p pool) Ensure(_ context.Context, email, _ string) (string, error) {
	if p.all != nil {
		p.all.Done()
		p.all.Wait()
	}
	return "sub-" + email, nil
}

// There is one first owner, however often and by how many at once the set-up is called.
func TestFirstOwner(t *testing.T) {
	r := rig.New(t)
	var wg sync.WaitGroup
	var mu sync.Mutex
	made := 0
	together := pool{all: &sync.WaitGroup{}}
	together.all.Add(12)
	for n := range 12 {
		wg.Go(func() {
			_, err := r.Members.First(r.Ctx, together, fmt.Sprintf("owner%d@studio.example", n), "Owner")
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				made++
			} else if !errors.Is(err, fault.Exists) && !errors.Is(err, fault.Busy) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	all, err := r.Members.List(r.Ctx)
	if made != 1 || len(all) != 1 || all[0].Role != member.Owner || err != nil {
		t.Errorf("%d owners were made, %d members: %v", made, len(all), err)
	}
	again, err := r.Members.First(r.Ctx, pool{}, all[0].Email, "Owner")
	if err != nil || again.ID != all[0].ID {
		t.Errorf("the same address again: %v", err)
	}
}

// A removal or another role is felt within a minute, and the person who comes back is a new member.
func TestRemovalBites(t *testing.T) {
	r := rig.New(t)
	m, err := r.Members.Admit(r.Ctx, rig.Owner, member.Input{Name: "Bill", Email: "bill@studio.example", Role: member.Billing}, "sub-1")
	if err != nil {
		t.Fatal(err)
	}
	by, err := r.Members.Live(r.Ctx, "sub-1")
	if err != nil || by.Role != "billing" || by.ID != m.ID {
		t.Fatal(by, err)
	}
	// Another process changes it, so that what this one remembers has to run out.
	other := &member.Service{Table: r.Table, Records: r.Records, IDs: r.IDs, Now: r.Clock.Now}
	if m, err = other.Update(r.Ctx, rig.Owner, m.ID, m.Version(), member.Input{Name: "Bill", Email: m.Email, Role: member.Viewer}); err != nil {
		t.Fatal(err)
	}
	r.Clock.Move(59 * time.Second)
	if by, err = r.Members.Live(r.Ctx, "sub-1"); err != nil || by.Role != "viewer" {
		t.Errorf("a minute later the role is %q: %v", by.Role, err)
	}
	if err := other.Remove(r.Ctx, rig.Owner, m.ID, m.Version()); err != nil {
		t.Fatal(err)
	}
	r.Clock.Move(59 * time.Second)
	if _, err = r.Members.Live(r.Ctx, "sub-1"); !errors.Is(err, fault.Denied) {
		t.Errorf("a minute after the removal: %v", err)
	}
	if _, err = r.Members.Live(r.Ctx, "stranger"); !errors.Is(err, fault.Denied) {
		t.Errorf("a stranger: %v", err)
	}
	if _, err := r.Members.Admit(r.Ctx, rig.Owner, member.Input{Name: "Bill", Email: "BILL@studio.example", Role: member.Sales}, "sub-1"); err != nil {
		t.Errorf("coming back: %v", err)
	}
}

// The organisation never is without an owner, although two of them leave at the same moment, in different months.
func TestAnOwnerStays(t *testing.T) {
	r := rig.New(t)
	add := func(name, sub string) member.Member {
		m, err := r.Members.Admit(r.Ctx, rig.Owner, member.Input{Name: name, Email: name + "@studio.example", Role: member.Owner}, sub)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	for round := range 20 {
		a, b := add(fmt.Sprint("a", round), fmt.Sprint("sa", round)), add(fmt.Sprint("b", round), fmt.Sprint("sb", round))
		all, err := r.Members.List(r.Ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range all { // only these two are left
			if m.ID != a.ID && m.ID != b.ID {
				if err := r.Members.Remove(r.Ctx, rig.Owner, m.ID, m.Version()); err != nil {
					t.Fatal(err)
				}
			}
		}
		var wg sync.WaitGroup
		errs := make([]error, 2)
		for n, m := range []member.Member{a, b} {
			now := time.Date(2026, time.Month(2+n), 1, 0, 0, 0, 0, time.UTC)
			wg.Go(func() {
				s := &member.Service{Table: r.Table, Records: r.Records, IDs: r.IDs, Now: func() time.Time { return now }}
				errs[n] = s.Remove(r.Ctx, rig.Owner, m.ID, m.Version())
			})
		}
		wg.Wait()
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Fatalf("round %d: %v and %v", round, errs[0], errs[1])
		}
	}
}

// An admin touches neither owners nor the own role; nobody else touches members at all.
func TestWhoMayInvite(t *testing.T) {
	r := rig.New(t)
	in := func(role member.Role) member.Input {
		return member.Input{Name: "N", Email: string(role) + "@studio.example", Role: role}
	}
	boss, err := r.Members.Invite(r.Ctx, rig.Owner, in(member.Owner))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Members.Invite(r.Ctx, rig.As(member.Admin), in(member.Sales)); err != nil {
		t.Errorf("an admin invites sales: %v", err)
	}
	self, err := r.Members.Invite(r.Ctx, rig.Owner, in(member.Admin))
	if err != nil {
		t.Fatal(err)
	}
	me := rig.As(member.Admin)
	me.ID = self.ID
	for what, err := range map[string]error{
		"an admin makes an owner":       ignore(r.Members.Invite(r.Ctx, me, member.Input{Name: "N", Email: "x@studio.example", Role: member.Owner})),
		"an admin removes an owner":     r.Members.Remove(r.Ctx, me, boss.ID, boss.Version()),
		"an admin promotes the own":     ignore(r.Members.Update(r.Ctx, me, self.ID, self.Version(), member.Input{Name: "N", Email: self.Email, Role: member.Owner})),
		"an admin renames the own":      ignore(r.Members.Update(r.Ctx, me, self.ID, self.Version(), in(member.Admin))),
		"billing invites":               ignore(r.Members.Invite(r.Ctx, rig.As(member.Billing), in(member.Viewer))),
		"a viewer removes":              r.Members.Remove(r.Ctx, rig.As(member.Viewer), boss.ID, boss.Version()),
		"the clock invites":             ignore(r.Members.Invite(r.Ctx, member.Automaton(member.Clock), in(member.Viewer))),
		"an admin demotes an owner":     ignore(r.Members.Update(r.Ctx, me, boss.ID, boss.Version(), member.Input{Name: "N", Email: boss.Email, Role: member.Viewer})),
		"sales writes the organisation": ignore(r.Members.Invite(r.Ctx, rig.As(member.Sales), in(member.Booking))),
	} {
		if !errors.Is(err, fault.Denied) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := r.Members.Invite(r.Ctx, rig.Owner, member.Input{Name: "Twice", Email: "SALES@studio.example", Role: member.Viewer}); !errors.Is(err, fault.Exists) {
		t.Errorf("one address twice: %v", err)
	}
}

func ignore(_ member.Member, err error) error { return err }
