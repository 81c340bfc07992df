package api

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
)

// Tag is the state of a thing that was read: "<rev>.<seq>", followed by the organisation's date where something
// falls due by itself. If-Match looks at Rev alone, since deeds move Seq without touching what people edit.
type Tag struct {
	Rev int64  // version of what people edit
	Seq int64  // sequence of the contact's head
	Day string // yyyy-mm-dd, empty where no date matters
}

// ETag is the header's value. The zero Tag has none.
func (t Tag) ETag() string {
	if t == (Tag{}) {
		return ""
	}
	s := strconv.FormatInt(t.Rev, 10) + "." + strconv.FormatInt(t.Seq, 10)
	if t.Day != "" {
		s += "." + t.Day
	}
	return `"` + s + `"`
}

// weak is the tag of something without a version: over what is shown.
func weak(shown []byte) string {
	sum := sha256.Sum256(shown)
	return `W/"` + hex.EncodeToString(sum[:12]) + `"`
}

// sameTag reports whether an If-None-Match names the tag, compared weakly (RFC 9110 §13.1.2).
func sameTag(header, tag string) bool {
	if strings.TrimSpace(header) == "*" {
		return true
	}
	for _, t := range strings.Split(header, ",") {
		if t = strings.TrimSpace(t); t != "" && strings.TrimPrefix(t, "W/") == strings.TrimPrefix(tag, "W/") {
			return true
		}
	}
	return false
}

// anotherRev is the revision of a tag that is none of ours: it equals no version.
const anotherRev = -1

// revOf reads If-Match. given is false when it is absent, and for "*": that would be "whatever is there now", the
// very thing If-Match is asked for to prevent. A tag weakened on its way (a distribution that compresses does that)
// still names its revision.
func revOf(header string) (rev int64, given bool, err error) {
	h := strings.TrimSpace(header)
	if h == "" || h == "*" {
		return 0, false, nil
	}
	if strings.Contains(h, ",") {
		return 0, false, malformed("If-Match must name one ETag")
	}
	h = strings.TrimPrefix(h, "W/")
	if n := len(h); n >= 2 && h[0] == '"' && h[n-1] == '"' {
		h = h[1 : n-1]
	}
	h, _, _ = strings.Cut(h, ".")
	if n, err := strconv.ParseInt(h, 10, 64); err == nil && n > 0 && strconv.FormatInt(n, 10) == h {
		return n, true, nil
	}
	return anotherRev, true, nil
}
