package stripe

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"
)

// What the file holds. Objects lie under their id; order lists them as they were made.
//
//	objects    <id>                       → the object as JSON
//	order      <kind>/<8-byte number>     → id
//	open       <8-byte second>/<session>  → empty: pages that will run out
//	underway   <8-byte second>/<intent>   → empty: debits that will end by themselves
//	keys       <idempotency key>          → answer
//	deliveries <8-byte number>            → delivery
//	waiting    <8-byte number>            → empty: deliveries not done
//	settings   "silent"                   → present while webhooks are switched off
var (
	objects    = []byte("objects")
	order      = []byte("order")
	open       = []byte("open")
	underway   = []byte("underway")
	keys       = []byte("keys")
	deliveries = []byte("deliveries")
	waiting    = []byte("waiting")
	settings   = []byte("settings")
)

func (s *Server) prepare(tx *bbolt.Tx) error {
	for _, name := range [][]byte{objects, order, open, underway, keys, deliveries, waiting, settings} {
		if _, err := tx.CreateBucketIfNotExists(name); err != nil {
			return err
		}
	}
	return s.ownEndpoint(tx)
}

// object is what every kind of object has.
type object struct {
	ID      string `json:"id"`
	Seq     uint64 `json:"seq"` // the place among its kind
	Created int64  `json:"created"`
}

func (o *object) head() *object { return o }

type stored interface {
	head() *object
	kind() string
}

// add gives a new object its number and stores it.
func add[T stored](tx *bbolt.Tx, o T) error {
	b := tx.Bucket(order)
	n, err := b.NextSequence()
	if err != nil {
		return err
	}
	o.head().Seq = n
	if err := b.Put(orderKey(o.kind(), n), []byte(o.head().ID)); err != nil {
		return err
	}
	return put(tx, o)
}

func put[T stored](tx *bbolt.Tx, o T) error {
	v, err := json.Marshal(o)
	if err != nil {
		return err
	}
	return tx.Bucket(objects).Put([]byte(o.head().ID), v)
}

// load fills o with the object of that id and kind, and reports whether there is one.
func load[T stored](tx *bbolt.Tx, id string, o T) (bool, error) {
	v := tx.Bucket(objects).Get([]byte(id))
	if v == nil {
		return false, nil
	}
	if err := json.Unmarshal(v, o); err != nil {
		return false, fmt.Errorf("stored object %s: %w", id, err)
	}
	return tx.Bucket(order).Get(orderKey(o.kind(), o.head().Seq)) != nil, nil
}

// newest walks the objects of a kind from the newest to the oldest, beginning after the object numbered below
// (0: with the newest), until f answers false.
func newest(tx *bbolt.Tx, kind string, below uint64, f func(id string) (bool, error)) error {
	if below == 0 {
		below = 1<<64 - 1
	}
	prefix := kind + "/"
	c := tx.Bucket(order).Cursor()
	k, v := c.Seek(orderKey(kind, below))
	if k == nil {
		k, v = c.Last()
	}
	for ; k != nil; k, v = c.Prev() {
		if string(k) >= string(orderKey(kind, below)) {
			continue
		}
		if len(k) != len(prefix)+8 || string(k[:len(prefix)]) != prefix {
			return nil
		}
		if more, err := f(string(v)); err != nil || !more {
			return err
		}
	}
	return nil
}

func orderKey(kind string, n uint64) []byte { return append([]byte(kind+"/"), number(n)...) }

func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

func openKey(at int64, id string) []byte { return append(number(uint64(at)), id...) }

// expireDue ends the pages whose time is over and the debits whose days are. Looking costs a read; the file is written
// only when there are any.
func (s *Server) expireDue() error {
	due := false
	now := s.Now()
	err := s.db.View(func(tx *bbolt.Tx) error {
		due = len(upTo(tx, open, now)) > 0 || len(upTo(tx, underway, now)) > 0
		return nil
	})
	if err != nil || !due {
		return err
	}
	return s.db.Update(func(tx *bbolt.Tx) error { return errors.Join(s.expire(tx, now), s.settleDue(tx, now)) })
}

// upTo lists the ids that stand in a bucket of times until now.
func upTo(tx *bbolt.Tx, bucket []byte, now time.Time) []string {
	var ids []string
	c := tx.Bucket(bucket).Cursor()
	for k, _ := c.First(); k != nil && int64(binary.BigEndian.Uint64(k[:8])) <= now.Unix(); k, _ = c.Next() {
		ids = append(ids, string(k[8:]))
	}
	return ids
}

func (s *Server) settleDue(tx *bbolt.Tx, now time.Time) error {
	for _, id := range upTo(tx, underway, now) {
		pi := &intent{}
		if ok, err := load(tx, id, pi); err != nil || !ok {
			return fmt.Errorf("the debit %s is not stored: %w", id, err)
		}
		if err := s.end(tx, pi, !pi.Returns, now); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) expire(tx *bbolt.Tx, now time.Time) error {
	for _, id := range upTo(tx, open, now) {
		var cs session
		if ok, err := load(tx, id, &cs); err != nil || !ok {
			return fmt.Errorf("open page %s is not stored: %w", id, err)
		}
		if err := s.closeSession(tx, &cs, "expired", now, cause{}); err != nil {
			return err
		}
	}
	return nil
}

// Due answers the earliest moment later than after at which something will happen here by itself: a page runs out
// or a webhook is tried again. It is zero when there is nothing.
func (s *Server) Due(after time.Time) (time.Time, error) {
	var first int64
	err := s.db.View(func(tx *bbolt.Tx) error {
		for _, bucket := range [][]byte{open, underway} {
			if k, _ := tx.Bucket(bucket).Cursor().Seek(number(uint64(max(after.Unix()+1, 0)))); k != nil {
				if at := int64(binary.BigEndian.Uint64(k[:8])); first == 0 || at < first {
					first = at
				}
			}
		}
		if tx.Bucket(settings).Get(silent) != nil {
			return nil
		}
		return eachWaiting(tx, func(d *delivery) error {
			if d.Next != never && d.Next > after.Unix() && (first == 0 || d.Next < first) {
				first = d.Next
			}
			return nil
		})
	})
	if err != nil || first == 0 {
		return time.Time{}, err
	}
	return time.Unix(first, 0).UTC(), nil
}
