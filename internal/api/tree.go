package api

import (
	"encoding/json"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	"onebook/internal/fault"
)

// maxDepth is how deep a body may nest. The deepest document of the contract has six levels.
const maxDepth = 32

// node is a JSON value as it was written: members keep their order and their repetitions, numbers their digits.
// encoding/json would take the last of two members, match names in any case and turn null into zero.
type node struct {
	kind byte     // one of { [ " 0 t f n
	text string   // the value of a string, the digits of a number
	keys []string // of an object, in order
	kids []*node  // members or elements
	bad  bool     // a string, or the name of a member, that is not well-formed text
	deep bool     // stands too deep; its content was not read
}

// parse reads one JSON text. Its syntax is checked by encoding/json first, so the reader may trust what it sees.
func parse(body []byte) (*node, error) {
	if !json.Valid(body) {
		var raw json.RawMessage
		where := ""
		if e, ok := json.Unmarshal(body, &raw).(*json.SyntaxError); ok {
			where = " (at byte " + strconv.FormatInt(e.Offset, 10) + ")"
		}
		return nil, malformed("the body is not JSON%s", where)
	}
	r := reader{b: body}
	return r.value(0), nil
}

type reader struct {
	b []byte
	i int
}

// next skips white space and answers the byte that follows.
func (r *reader) next() byte {
	for r.b[r.i] == ' ' || r.b[r.i] == '\n' || r.b[r.i] == '\t' || r.b[r.i] == '\r' {
		r.i++
	}
	return r.b[r.i]
}

func (r *reader) value(depth int) *node {
	n := &node{kind: r.next(), deep: depth > maxDepth}
	switch n.kind {
	case '{', '[':
		r.list(n, depth)
	case '"':
		n.text, n.bad = r.str()
	case 't', 'n':
		r.i += 4
	case 'f':
		r.i += 5
	default:
		n.kind = '0'
		from := r.i
		for r.i < len(r.b) && strings.IndexByte("+-.0123456789eE", r.b[r.i]) >= 0 {
			r.i++
		}
		n.text = string(r.b[from:r.i])
	}
	return n
}

// list reads the members of an object or the elements of an array. Too deep, they are read over and forgotten.
func (r *reader) list(n *node, depth int) {
	end := n.kind + 2 // ']' and '}' stand two behind '[' and '{'
	r.i++
	for r.next() != end {
		if r.b[r.i] == ',' {
			r.i++
			r.next()
		}
		if n.kind == '{' {
			key, bad := r.str()
			n.bad = n.bad || bad
			if !n.deep {
				n.keys = append(n.keys, key)
			}
			r.next()
			r.i++ // the colon
		}
		kid := r.value(depth + 1)
		if !n.deep {
			n.kids = append(n.kids, kid)
		}
	}
	r.i++
}

// str reads a string. bad tells of bytes that are not UTF-8 and of halves of surrogate pairs, both of which
// encoding/json would silently replace.
func (r *reader) str() (s string, bad bool) {
	from, escaped := r.i, false
	for r.i++; r.b[r.i] != '"'; r.i++ {
		if r.b[r.i] == '\\' {
			escaped = true
			r.i++
		}
	}
	r.i++
	raw := r.b[from:r.i]
	if !escaped {
		s = string(raw[1 : len(raw)-1])
		return s, !utf8.ValidString(s)
	}
	if json.Unmarshal(raw, &s) != nil {
		return "", true
	}
	return s, !utf8.Valid(raw) || halfPair(raw)
}

// halfPair reports whether a valid JSON string escapes one half of a surrogate pair without the other.
func halfPair(raw []byte) bool {
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		i++
		if raw[i] != 'u' {
			continue
		}
		u, _ := strconv.ParseUint(string(raw[i+1:i+5]), 16, 32)
		i += 4
		switch {
		case u >= 0xDC00 && u <= 0xDFFF:
			return true
		case u >= 0xD800 && u <= 0xDBFF:
			if i+6 >= len(raw) || raw[i+1] != '\\' || raw[i+2] != 'u' {
				return true
			}
			low, _ := strconv.ParseUint(string(raw[i+3:i+7]), 16, 32)
			if low < 0xDC00 || low > 0xDFFF {
				return true
			}
			i += 6
		}
	}
	return false
}

// get answers a member by its exact name.
func (n *node) get(name string) *node {
	for i, k := range n.keys {
		if k == name {
			return n.kids[i]
		}
	}
	return nil
}

// place is where a value stands, from the inside out, so that a path costs nothing unless it is told.
type place struct {
	in    *place
	name  string
	index int // of an element, when name is empty
}

func (p *place) String() string {
	if p == nil {
		return ""
	}
	in := p.in.String()
	switch {
	case p.name == "":
		return in + "[" + strconv.Itoa(p.index) + "]"
	case in == "":
		return printable(strings.ToValidUTF8(p.name, "�"))
	}
	return in + "." + printable(strings.ToValidUTF8(p.name, "�"))
}

// subject names the place at the head of a sentence.
func (p *place) subject() string {
	if s := p.String(); s != "" {
		return s
	}
	return "the body"
}

// maxErrors bounds how many wrong fields one answer names: nobody reads more, and a hostile body could hold 100,000.
const maxErrors = 50

func note(fs *fault.Fields, at *place, code, words string) {
	if len(*fs) < maxErrors {
		fs.Add(at.String(), code, "%s %s", at.subject(), words)
	}
}

// lint notes what is wrong with a body whatever it is meant to say: repeated members, text that is none, depth.
func (n *node) lint(at *place, fs *fault.Fields) {
	if n.deep {
		note(fs, at, "depth", "is nested too deeply")
		return
	}
	if n.bad {
		note(fs, at, "text", "must be UTF-8 text")
	}
	seen := map[string]bool{}
	for i, kid := range n.kids {
		in := place{in: at, index: i}
		if n.kind == '{' {
			in.name = n.keys[i]
			if seen[in.name] {
				note(fs, &in, "duplicate", "is given more than once")
			}
			seen[in.name] = true
		}
		kid.lint(&in, fs)
	}
}

// write appends the value as compact JSON with members sorted by name: the same value always gives the same bytes.
func (n *node) write(b []byte) []byte {
	switch n.kind {
	case '{':
		order := make([]int, len(n.keys))
		for i := range order {
			order[i] = i
		}
		sort.SliceStable(order, func(i, j int) bool { return n.keys[order[i]] < n.keys[order[j]] })
		b = append(b, '{')
		for i, k := range order {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(quote(b, n.keys[k]), ':')
			b = n.kids[k].write(b)
		}
		return append(b, '}')
	case '[':
		b = append(b, '[')
		for i, kid := range n.kids {
			if i > 0 {
				b = append(b, ',')
			}
			b = kid.write(b)
		}
		return append(b, ']')
	case '"':
		return quote(b, n.text)
	case '0':
		return append(b, n.text...)
	case 't':
		return append(b, "true"...)
	case 'f':
		return append(b, "false"...)
	}
	return append(b, "null"...)
}

func quote(b []byte, s string) []byte {
	q, err := json.Marshal(s)
	if err != nil { // a string always marshals
		return append(b, `""`...)
	}
	return append(b, q...)
}

// merged applies a merge patch to a value (RFC 7396 §2). Neither is changed.
func merged(target, patch *node) *node {
	if patch.kind != '{' {
		return patch
	}
	out := &node{kind: '{'}
	if target != nil && target.kind == '{' {
		for i, k := range target.keys {
			if patch.get(k) == nil {
				out.keys, out.kids = append(out.keys, k), append(out.kids, target.kids[i])
			}
		}
	} else {
		target = nil
	}
	for i, k := range patch.keys {
		if patch.kids[i].kind == 'n' {
			continue
		}
		var old *node
		if target != nil {
			old = target.get(k)
		}
		out.keys, out.kids = append(out.keys, k), append(out.kids, merged(old, patch.kids[i]))
	}
	return out
}
