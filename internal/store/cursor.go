package store

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// position is the last item that a page has shown: its place in what was listed, and its key.
type position struct {
	sort string // in the index, or in the table itself
	key  Key
}

const fingerprintLen = 8

// fingerprint ties a cursor to its Query. The limit may change between pages.
func (q *Query) fingerprint() string {
	dir := "asc"
	if q.Desc {
		dir = "desc"
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{string(q.Index), q.Partition, q.Prefix, q.From, q.To, dir}, "\x00")))
	return string(sum[:fingerprintLen])
}

// cursorAt makes the cursor of a page that ended at p. Both drivers make and read the same ones.
func (q *Query) cursorAt(p position) string {
	raw := q.fingerprint() + p.sort
	if q.Index != Main {
		raw += "\x00" + p.key.PK + "\x00" + p.key.SK
	}
	return base64.RawURLEncoding.EncodeToString([]byte(raw))
}

// position reads q's cursor: false when it has none, ErrBadCursor when it is not one of this Query.
func (q *Query) position() (position, bool, error) {
	if q.Cursor == "" {
		return position{}, false, nil
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(q.Cursor)
	if err != nil || len(raw) < fingerprintLen || string(raw[:fingerprintLen]) != q.fingerprint() {
		return position{}, false, ErrBadCursor
	}
	parts := strings.Split(string(raw[fingerprintLen:]), "\x00")
	p := position{sort: parts[0], key: Key{PK: q.Partition, SK: parts[0]}}
	switch {
	case q.Index == Main && len(parts) == 1:
	case q.Index != Main && len(parts) == 3:
		p.key = Key{PK: parts[1], SK: parts[2]}
	default:
		return position{}, false, ErrBadCursor
	}
	// A range that ends at To is asked of DynamoDB inclusively, so a page may have ended on To itself.
	if p.key.check() != nil || !storable(p.sort, MaxSKBytes) || !(q.has(p.sort) || (q.To != "" && p.sort == q.To)) {
		return position{}, false, ErrBadCursor
	}
	return p, true, nil
}
