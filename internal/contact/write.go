package contact

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"strings"

	"onebook/internal/activity"
	"onebook/internal/fault"
	"onebook/internal/store"
)

// taken is what a guard's condition means when it fails: somebody has that address or id.
type taken struct{ key store.Key }

func (t *taken) Error() string { return "contact: " + t.key.PK + " is taken" }

// repoint answers the operations that bring guards, pointers and terms from those of old to those of next; nil is none.
// Only differences are written. What a contact already had is looked at before it is touched: a guard may have been
// handed on by a merge, and the terms of an item that was written by older code need not be those of today's.
func (s *Service) repoint(ctx context.Context, old, next *Contact) ([]store.Op, error) {
	had, has := map[store.Key]string{}, map[store.Key]string{}
	if old != nil {
		had = old.pointers()
	}
	if next != nil {
		has = next.pointers()
	}
	var ops []store.Op
	for _, k := range sortedKeys(has) {
		if had[k] != "" {
			continue
		}
		op, err := s.point(ctx, k, has[k], next.ID, old == nil)
		if err != nil {
			return nil, err
		}
		ops = append(ops, op...)
	}
	for _, k := range sortedKeys(had) {
		if has[k] != "" {
			continue
		}
		it, err := s.Table.Get(ctx, k)
		if errors.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if who, err := holderOf(it); err != nil {
			return nil, err
		} else if had[k] == GuardKind && who != old.ID {
			continue
		}
		ops = append(ops, store.Delete(k, it.Version).Else(activity.ErrContended))
	}
	if len(ops) > maxPointers {
		return nil, fault.InField("people", "too_many", "too many addresses, numbers and names change at once; save them in two steps")
	}
	return ops, nil
}

// point answers the operation that makes one guard, pointer or term, and none when it is there already.
func (s *Service) point(ctx context.Context, k store.Key, kind, contactID string, fresh bool) ([]store.Op, error) {
	it := store.Item{Key: k, Kind: kind}
	if kind == GuardKind {
		body, err := json.Marshal(guarded{Contact: contactID})
		if err != nil {
			return nil, fmt.Errorf("guard: %w", err)
		}
		it.Body = body
		return []store.Op{store.Put(it).Else(&taken{key: k})}, nil
	}
	if !fresh {
		if _, err := s.Table.Get(ctx, k); !errors.Is(err, fault.NotFound) {
			return nil, err
		}
	}
	return []store.Op{store.Put(it).Else(activity.ErrContended)}, nil
}

func sortedKeys(m map[store.Key]string) []store.Key {
	out := make([]store.Key, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Slice(out, func(i, j int) bool {
		if out[i].PK != out[j].PK {
			return out[i].PK < out[j].PK
		}
		return out[i].SK < out[j].SK
	})
	return out
}

// holder answers the contact that a guard names, "" when nobody holds it.
func (s *Service) holder(ctx context.Context, guard store.Key) (contactID string, err error) {
	it, err := s.Table.Get(ctx, guard)
	if errors.Is(err, fault.NotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return holderOf(it)
}

// holderOf reads a guard; other items have no body and name nobody.
func holderOf(it store.Item) (string, error) {
	if it.Kind != GuardKind {
		return "", nil
	}
	var g guarded
	if err := json.Unmarshal(it.Body, &g); err != nil {
		return "", fmt.Errorf("guard %s: %w", it.PK, err)
	}
	return g.Contact, nil
}

// maxAgain bounds how often a deed is begun anew because a guard was released, or a contact merged, at that moment.
const maxAgain = 8

// deed runs one deed until no guard or merge comes in between. A guard that somebody holds becomes fault.Exists with
// the contactId of who has it.
func (s *Service) deed(ctx context.Context, do func() error) error {
	for n := 0; n < maxAgain; n++ {
		err := do()
		var t *taken
		switch {
		case errors.Is(err, errMerged):
			continue
		case !errors.As(err, &t):
			return err
		}
		who, err := s.holder(ctx, t.key)
		if err != nil {
			return err
		}
		if who != "" {
			return existing(t.key, who)
		}
	}
	return store.ErrBusy
}

// errMerged: the contact was merged into another between looking and writing.
var errMerged = errors.New("contact: merged meanwhile")

func existing(k store.Key, contactID string) error {
	what := "this external id"
	if e, ok := strings.CutPrefix(k.PK, "U#email#"); ok {
		what = "the e-mail address " + e
	}
	return fault.Exists.Errorf("%s belongs to another contact; open that one, or mark the address as shared", what).
		With("contactId", contactID)
}
