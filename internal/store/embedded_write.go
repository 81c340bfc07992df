package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
)

// maxGroup bounds the writes that share one fsync.
const maxGroup = 256

// pending is one attempt on its way to the file.
type pending struct {
	*write
	answer chan error
}

// Write commits all operations or none. Writes of many goroutines at one time share an fsync; each is decided for
// itself, in some order.
func (e *Embedded) Write(ctx context.Context, ops ...Op) error {
	if err := checkWrite(ops); err != nil {
		return err
	}
	w := &write{ops: ops, stamp: e.stamp(), now: e.now()}
	return w.run(ctx, e, patience{pause: e.Pause})
}

// stamp is new for every Write: no two starts of the program on one file have the same number.
func (e *Embedded) stamp() string {
	s := fmt.Sprintf("%06x%010x", e.boot, e.count.Add(1))
	return s[len(s)-stampLen:]
}

// commit hands the attempt to the one goroutine that writes, and waits for the disk.
func (e *Embedded) commit(ctx context.Context, w *write) error {
	if err := e.disturbed(ctx, BeforeCommit); err != nil {
		return errors.Join(errContended, err)
	}
	p := &pending{write: w, answer: make(chan error, 1)}
	e.gate.RLock()
	if e.closed {
		e.gate.RUnlock()
		return ErrClosed
	}
	e.queue <- p
	e.gate.RUnlock()
	if err := <-p.answer; err != nil {
		return err
	}
	if err := e.disturbed(ctx, AfterCommit); err != nil {
		return errors.Join(errLost, err)
	}
	return nil
}

func (e *Embedded) disturbed(ctx context.Context, m Moment) error {
	if e.Disturb == nil {
		return nil
	}
	return e.Disturb(ctx, m)
}

// serve writes what is queued, all that is there at once. While one group is on its way to the disk the next
// gathers.
func (e *Embedded) serve() {
	defer close(e.done)
	for p := range e.queue {
		group := []*pending{p}
		for len(group) < maxGroup {
			next, ok := e.waiting()
			if !ok {
				break
			}
			group = append(group, next)
		}
		e.settle(group)
	}
}

func (e *Embedded) waiting() (*pending, bool) {
	select {
	case p, ok := <-e.queue:
		return p, ok
	default:
		return nil, false
	}
}

func (e *Embedded) settle(group []*pending) {
	answers := make([]error, len(group))
	wrote := false
	err := e.db.Update(func(tx *bolt.Tx) error {
		for i, p := range group {
			err := e.apply(tx, p.write)
			var r refused
			if err != nil && !errors.As(err, &r) {
				return err
			}
			answers[i] = err
			wrote = wrote || err == nil
		}
		return nil
	})
	if wrote && err == nil {
		e.wake()
	}
	for i, p := range group {
		if err != nil {
			// A refusal may rest on a write of the same group that is now undone, so nobody is told one.
			answers[i] = fmt.Errorf("write to the record: %w", err)
		}
		p.answer <- answers[i]
	}
}

// apply decides one write within the group's transaction, and makes its changes when every condition holds.
func (e *Embedded) apply(tx *bolt.Tx, w *write) error {
	items := tx.Bucket(bucketItems)
	olds := make([]*Item, len(w.ops))
	for i := range w.ops {
		k := w.ops[i].Item.Key
		if raw := items.Get(join(k.PK, k.SK)); raw != nil {
			it, err := unpack(k, raw)
			if err != nil {
				return err
			}
			olds[i] = &it
		}
		if !w.ops[i].holds(olds[i], w.now) {
			return refused{at: i}
		}
	}
	for i := range w.ops {
		if w.ops[i].Action == ActCheck {
			continue
		}
		if err := e.change(tx, &w.ops[i], olds[i], w); err != nil {
			return err
		}
	}
	return nil
}

// holds reports whether the condition of op holds when its key holds old.
func (op *Op) holds(old *Item, now time.Time) bool {
	if op.Item.Version > 0 {
		return old != nil && old.Version == op.Item.Version
	}
	return old == nil || old.expired(now)
}

func (e *Embedded) change(tx *bolt.Tx, op *Op, old *Item, w *write) error {
	var item *Item
	var was int64
	if old != nil {
		was = old.Version
	}
	k := join(op.Item.PK, op.Item.SK)
	items := tx.Bucket(bucketItems)
	if op.Action == ActPut {
		it := op.stored(was)
		item = &it
		stamp := ""
		if op.creates() {
			stamp = w.stamp
		}
		if err := items.Put(k, pack(item, stamp)); err != nil {
			return err
		}
	} else if err := items.Delete(k); err != nil {
		return err
	}
	for _, x := range indexes {
		if err := move(tx.Bucket(x.bucket()), entry(x, old), entry(x, item)); err != nil {
			return err
		}
	}
	return record(tx, Change{At: w.now, Old: old, New: item})
}

// entry is the item's key in an index bucket, nil when it stands in none.
func entry(x Index, it *Item) []byte {
	if it == nil || *x.of(it) == (Key{}) {
		return nil
	}
	at := x.of(it)
	return join(at.PK, at.SK, it.PK, it.SK)
}

func move(b *bolt.Bucket, from, to []byte) error {
	if string(from) == string(to) {
		return nil
	}
	if from != nil {
		if err := b.Delete(from); err != nil {
			return err
		}
	}
	if to != nil {
		return b.Put(to, nil)
	}
	return nil
}

func record(tx *bolt.Tx, c Change) error {
	b := tx.Bucket(bucketChanges)
	b.FillPercent = 1
	seq, err := b.NextSequence()
	if err != nil {
		return err
	}
	return b.Put(binary.BigEndian.AppendUint64(nil, seq), packChange(c))
}
