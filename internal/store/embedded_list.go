package store

import (
	"bytes"
	"context"

	bolt "go.etcd.io/bbolt"
)

// List answers a page, as the file stands at this moment.
func (e *Embedded) List(ctx context.Context, q Query) (Page, error) {
	if err := q.check(); err != nil {
		return Page{}, err
	}
	at, more, err := q.position()
	if err != nil {
		return Page{}, err
	}
	if q.empty() {
		return Page{}, nil
	}
	var after []byte
	if more {
		after = join(q.Partition, at.sort)
		if q.Index != Main {
			after = join(q.Partition, at.sort, at.key.PK, at.key.SK)
		}
	}
	page := Page{}
	err = e.view(ctx, func(tx *bolt.Tx) error {
		var err error
		page, err = listed(tx, &q, after)
		return err
	})
	return page, err
}

// listed collects a page. It ends, as DynamoDB's does, at the limit or before the item that would pass 1 MB.
func listed(tx *bolt.Tx, q *Query, after []byte) (Page, error) {
	page, size := Page{}, 0
	items := tx.Bucket(bucketItems)
	r := rangeOf(q, after)
	c := tx.Bucket(q.Index.bucket()).Cursor()
	var last position
	for k, v := r.first(c); k != nil; k, v = r.next(c) {
		parts := splitKey(k)
		at := position{sort: parts[1], key: Key{PK: parts[0], SK: parts[1]}}
		if q.Index != Main {
			at.key = Key{PK: parts[2], SK: parts[3]}
			v = items.Get(join(parts[2], parts[3]))
		}
		it, err := unpack(at.key, v)
		if err != nil {
			return Page{}, err
		}
		n := it.size(true)
		if q.Index != Main {
			n = it.entrySize(q.Index)
		}
		if len(page.Items) == q.limit() || (len(page.Items) > 0 && size+n > MaxPageBytes) {
			page.Cursor = q.cursorAt(last)
			return page, nil
		}
		page.Items = append(page.Items, it.projected(q.Index))
		size += n
		last = at
	}
	return page, nil
}

// span is a run of a bucket's keys: low ≤ key < high, walked in one direction.
type span struct {
	low, high []byte
	desc      bool
}

// beyond sorts after every key with the same beginning, since keys are UTF-8.
const beyond = "\xff"

func rangeOf(q *Query, after []byte) span {
	s := span{desc: q.Desc}
	switch {
	case q.Prefix != "":
		s.low, s.high = join(q.Partition, q.Prefix), join(q.Partition, q.Prefix+beyond)
	case q.To != "":
		s.low, s.high = join(q.Partition, q.From), join(q.Partition, q.To)
	default:
		s.low, s.high = join(q.Partition, q.From), join(q.Partition, beyond)
	}
	switch {
	case after == nil:
	case q.Desc:
		s.high = least(s.high, after)
	default:
		s.low = append(after, 0) // the least key above it
	}
	return s
}

func least(a, b []byte) []byte {
	if bytes.Compare(a, b) <= 0 {
		return a
	}
	return b
}

func (s span) first(c *bolt.Cursor) (k, v []byte) {
	if !s.desc {
		return s.within(c.Seek(s.low))
	}
	if k, _ = c.Seek(s.high); k == nil {
		return s.within(c.Last())
	}
	return s.within(c.Prev())
}

func (s span) next(c *bolt.Cursor) (k, v []byte) {
	if s.desc {
		return s.within(c.Prev())
	}
	return s.within(c.Next())
}

func (s span) within(k, v []byte) ([]byte, []byte) {
	if k == nil || bytes.Compare(k, s.low) < 0 || bytes.Compare(k, s.high) >= 0 {
		return nil, nil
	}
	return k, v
}
