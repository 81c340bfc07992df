package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"onebook/internal/fault"
)

// Sizes of keys, DynamoDB's limits.
const (
	MaxPKBytes = 2048
	MaxSKBytes = 1024
)

// ErrBadKey is answered for a key, or a bound of a Query, that the table cannot hold: empty, too long, not UTF-8,
// or with a NUL in it. Keys are made from what people type, hence a fault.
var ErrBadKey = fault.Invalid.Errorf("this text is empty, too long, or holds characters that cannot be stored")

// ErrBadQuery is answered for a Query that contradicts itself.
var ErrBadQuery = errors.New("store: a query needs a known index, a limit of 0 to 1000, and not both a prefix and a range")

// ErrBadCursor is answered for a cursor that was not made by a page of the same Query.
var ErrBadCursor = fault.Invalid.Errorf("this cursor does not belong to this listing; start again without one").Coded("bad_cursor")

// conditionRoom is what the condition of an operation takes at most of a transaction's 4 MB.
const conditionRoom = 64

func storable(s string, max int) bool {
	return len(s) <= max && utf8.ValidString(s) && strings.IndexByte(s, 0) < 0
}

func (k Key) check() error {
	if k.PK == "" || k.SK == "" || !storable(k.PK, MaxPKBytes) || !storable(k.SK, MaxSKBytes) {
		return ErrBadKey
	}
	return nil
}

// checkWrite refuses what no driver may accept, so that both refuse the same.
func checkWrite(ops []Op) error {
	if len(ops) == 0 || len(ops) > MaxOps {
		return fmt.Errorf("%w: %d operations", ErrBadWrite, len(ops))
	}
	seen := make(map[Key]bool, len(ops))
	total, creates := 0, false
	for i := range ops {
		op := &ops[i]
		if err := op.check(); err != nil {
			return err
		}
		if seen[op.Item.Key] {
			return fmt.Errorf("%w: %q %q twice", ErrBadWrite, op.Item.PK, op.Item.SK)
		}
		seen[op.Item.Key] = true
		size := op.size()
		if size > MaxItemBytes {
			return fmt.Errorf("%w: %s %q %q has %d bytes", ErrTooLarge, op.Item.Kind, op.Item.PK, op.Item.SK, size)
		}
		total += size + conditionRoom
		creates = creates || op.creates()
	}
	if total > MaxTxBytes {
		return fmt.Errorf("%w: %d operations have %d bytes", ErrTooLarge, len(ops), total)
	}
	if !creates {
		return fmt.Errorf("%w: it would not recognise itself", ErrBadWrite)
	}
	return nil
}

func (op *Op) check() error {
	it := &op.Item
	if err := it.Key.check(); err != nil {
		return err
	}
	switch {
	case op.Action < ActPut || op.Action > ActCheck:
		return fmt.Errorf("%w: unknown action on %q %q", ErrBadWrite, it.PK, it.SK)
	case it.Version < 0, it.Version == 0 && op.Action == ActDelete:
		return fmt.Errorf("%w: version %d of %q %q", ErrBadWrite, it.Version, it.PK, it.SK)
	case op.Action != ActPut:
		return nil
	case len(it.Body) > 0 && !(utf8.Valid(it.Body) && json.Valid(it.Body)):
		return fmt.Errorf("%w: the body of %q %q is no JSON", ErrBadWrite, it.PK, it.SK)
	case !utf8.ValidString(it.Kind):
		return fmt.Errorf("%w: the kind of %q %q is no text", ErrBadWrite, it.PK, it.SK)
	}
	for _, x := range indexes {
		if k := *x.of(it); k != (Key{}) {
			if err := k.check(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (op *Op) creates() bool { return op.Action == ActPut && op.Item.Version == 0 }

// stored is the item of a Put as it will stand. was is the version of the expired item that a create replaces:
// counting on from it keeps whoever read that one from overwriting the new one.
func (op *Op) stored(was int64) Item {
	it := op.Item
	it.Version = max(it.Version, was) + 1
	return it
}

func (op *Op) size() int {
	if op.Action != ActPut {
		return len(attrPK) + len(op.Item.PK) + len(attrSK) + len(op.Item.SK)
	}
	it := op.stored(0)
	return it.size(op.creates())
}

func (q *Query) check() error {
	known := q.Index == Main || q.Index == Due || q.Index == Book || q.Index == ByList
	if !known || q.Limit < 0 || q.Limit > MaxPage || (q.Prefix != "" && (q.From != "" || q.To != "")) {
		return fmt.Errorf("%w: %+v", ErrBadQuery, *q)
	}
	if q.Partition == "" || !storable(q.Partition, MaxPKBytes) {
		return ErrBadKey
	}
	for _, s := range [...]string{q.Prefix, q.From, q.To} {
		if !storable(s, MaxSKBytes) {
			return ErrBadKey
		}
	}
	return nil
}

func (q *Query) limit() int {
	if q.Limit == 0 {
		return MaxPage
	}
	return q.Limit
}

// empty reports whether no sort key can lie in the range.
func (q *Query) empty() bool { return q.To != "" && q.From >= q.To }

// has reports whether a sort key lies in the range.
func (q *Query) has(sort string) bool {
	return strings.HasPrefix(sort, q.Prefix) && sort >= q.From && (q.To == "" || sort < q.To)
}
