package store

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
)

// maxTrim bounds the records that one transaction of TrimChanges removes, so that writers are not held up.
const maxTrim = 10_000

// Changes answers the changes whose Seq is greater than after, in their order, at most limit of them and about
// 1 MB. An empty answer means that there are no more for now; see [Embedded.Changed].
func (e *Embedded) Changes(ctx context.Context, after uint64, limit int) ([]Change, error) {
	var out []Change
	err := e.view(ctx, func(tx *bolt.Tx) error {
		c := tx.Bucket(bucketChanges).Cursor()
		size := 0
		for k, v := c.Seek(binary.BigEndian.AppendUint64(nil, after+1)); k != nil; k, v = c.Next() {
			if len(out) >= limit || size > MaxPageBytes {
				return nil
			}
			ch, err := unpackChange(v)
			if err != nil {
				return fmt.Errorf("change %d: %w", binary.BigEndian.Uint64(k), err)
			}
			ch.Seq = binary.BigEndian.Uint64(k)
			out = append(out, ch)
			size += len(v)
		}
		return nil
	})
	return out, err
}

// TrimChanges forgets the changes whose Seq is less than before. What was not trimmed is still there after a
// restart, so a reader that trims what it has dealt with needs no other memory.
func (e *Embedded) TrimChanges(ctx context.Context, before uint64) error {
	for {
		if err := ctx.Err(); err != nil {
			return busy(err)
		}
		n := 0
		err := e.db.Update(func(tx *bolt.Tx) error {
			c := tx.Bucket(bucketChanges).Cursor()
			for k, _ := c.First(); k != nil && n < maxTrim && binary.BigEndian.Uint64(k) < before; k, _ = c.First() {
				if err := c.Delete(); err != nil {
					return err
				}
				n++
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("trim the changes: %w", err)
		}
		if n < maxTrim {
			return nil
		}
	}
}

// Changed answers a channel that is closed at the next change. Take it before reading Changes, so that none falls
// in between.
func (e *Embedded) Changed() <-chan struct{} {
	e.wakeup.Lock()
	defer e.wakeup.Unlock()
	return e.changed
}

func (e *Embedded) wake() {
	e.wakeup.Lock()
	defer e.wakeup.Unlock()
	close(e.changed)
	e.changed = make(chan struct{})
}

// packChange writes the instant, then pk, sk and the two items, each with its length; an absent item has none.
func packChange(c Change) []byte {
	side := c.New
	if side == nil {
		side = c.Old
	}
	b := binary.AppendVarint(nil, c.At.UnixMilli())
	part := func(p []byte) {
		b = binary.AppendUvarint(b, uint64(len(p)))
		b = append(b, p...)
	}
	part([]byte(side.PK))
	part([]byte(side.SK))
	for _, it := range [...]*Item{c.Old, c.New} {
		if it == nil {
			part(nil)
		} else {
			part(pack(it, ""))
		}
	}
	return b
}

func unpackChange(b []byte) (Change, error) {
	ms, n := binary.Varint(b)
	if n <= 0 {
		return Change{}, errDamaged
	}
	b = b[n:]
	var parts [4][]byte
	for i := range parts {
		size, n := binary.Uvarint(b)
		if n <= 0 || size > uint64(len(b)-n) {
			return Change{}, errDamaged
		}
		parts[i], b = b[n:n+int(size)], b[n+int(size):]
	}
	c := Change{At: time.UnixMilli(ms).UTC()}
	k := Key{PK: string(parts[0]), SK: string(parts[1])}
	for i, side := range [...]**Item{&c.Old, &c.New} {
		if len(parts[2+i]) == 0 {
			continue
		}
		it, err := unpack(k, parts[2+i])
		if err != nil {
			return Change{}, err
		}
		*side = &it
	}
	return c, nil
}
