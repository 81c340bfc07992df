// Package id makes the ids of the record.
//
// An id is a prefix that names its kind, then parts of 20 characters: 48 bits of milliseconds and 48 random bits
// in Crockford's base 32, lower case, so that ids sort by the time of making. The id of a contact's thing holds
// the contact's part first: "in_<contact><own>". So one id is enough to read any of them, without a lookup. Ids
// are no secrets; to clients they are opaque.
package id

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"time"

	"onebook/internal/fault"
)

const partLen = 20

var encoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// Source makes ids from a clock and entropy. Entropy is read fully; a failing reader is a panic, since a machine
// without randomness cannot go on.
type Source struct {
	Now     func() time.Time
	Entropy io.Reader
}

func (s Source) part() string {
	var b [14]byte
	binary.BigEndian.PutUint64(b[:8], uint64(s.Now().UnixMilli())<<16)
	if _, err := io.ReadFull(s.Entropy, b[6:12]); err != nil {
		panic(fmt.Sprintf("id: no entropy: %v", err))
	}
	return encoding.EncodeToString(b[:12])
}

// New makes a free-standing id, e.g. New("ct") for a contact.
func (s Source) New(prefix string) string { return prefix + "_" + s.part() }

// Of makes the id of something that belongs to a contact, e.g. Of("in", contact).
func (s Source) Of(prefix, contact string) string { return prefix + "_" + body(contact) + s.part() }

// Named makes the id of something of a contact's that a name from outside decides: the same moment and name make the same
// id, and ids sort by the moment.
func Named(prefix, contact string, at time.Time, name string) string {
	var b [14]byte
	binary.BigEndian.PutUint64(b[:8], uint64(at.UnixMilli())<<16)
	sum := sha256.Sum256([]byte(name))
	copy(b[6:12], sum[:])
	return prefix + "_" + body(contact) + encoding.EncodeToString(b[:12])
}

// Begin is how the ids of a kind begin that [Source.Of] makes for a contact; what follows is in the order of making.
func Begin(prefix, contact string) string { return prefix + "_" + body(contact) }

func body(id string) string { _, b, _ := strings.Cut(id, "_"); return b }

// Contact answers the contact that a thing with this id belongs to. An id that was not made by Of, or has
// another prefix than the one wanted, is NotFound: to a client a malformed id is one that does not exist.
func Contact(prefix, id string) (string, error) {
	p, b, ok := strings.Cut(id, "_")
	if !ok || p != prefix || len(b) != 2*partLen || !valid(b) {
		return "", fault.NotFound.Errorf("there is nothing with the id %q", printable(id))
	}
	return "ct_" + b[:partLen], nil
}

// Owner answers the contact that a thing belongs to, whatever kind of thing it is. NotFound as for Contact.
func Owner(id string) (string, error) {
	p, _, _ := strings.Cut(id, "_")
	return Contact(p, id)
}

// Own is the part of an id of a contact's thing that is its own: it sorts by the time of making whatever the contact, so that
// the things of several contacts can be listed as one. "" when the id was not made by Of.
func Own(id string) string {
	if b := body(id); len(b) == 2*partLen {
		return b[partLen:]
	}
	return ""
}

// Check answers NotFound unless id has this prefix and a well-formed single part.
func Check(prefix, id string) error {
	p, b, ok := strings.Cut(id, "_")
	if !ok || p != prefix || len(b) != partLen || !valid(b) {
		return fault.NotFound.Errorf("there is nothing with the id %q", printable(id))
	}
	return nil
}

// Shard spreads contacts over n partitions of an index: the same contact always lands on the same one.
func Shard(id string, n int) int {
	b := body(id)
	if len(b) > partLen {
		b = b[:partLen]
	}
	var h uint32 = 2166136261 // FNV-1a
	for i := 0; i < len(b); i++ {
		h = (h ^ uint32(b[i])) * 16777619
	}
	return int(h % uint32(n))
}

func valid(b string) bool {
	for i := 0; i < len(b); i++ {
		if c := b[i]; (c < '0' || c > '9') && (c < 'a' || c > 'z' || strings.IndexByte("ilou", c) >= 0) {
			return false
		}
	}
	return true
}

// printable keeps a stranger's text short and harmless in an error message.
func printable(s string) string {
	r := []rune(strings.ToValidUTF8(s, "?"))
	if len(r) > 60 {
		r = append(r[:60], '…')
	}
	return string(r)
}
