package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"onebook/internal/fault"
)

// maxBody is the largest body that is read; files go through uploads (design.md §4, "Large things").
const maxBody = 256 << 10

// bodyOf reads the body of a request as a tree. An absent body is an empty object, so that a deed without any
// particulars needs none, and one with required ones is told which.
func bodyOf(r *http.Request, types ...string) (*node, error) {
	raw, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody))
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return nil, &refusal{
			status: http.StatusRequestEntityTooLarge, code: "too_large",
			detail: fmt.Sprintf("the body is larger than %d KB; send files through uploads", maxBody>>10),
		}
	}
	if err != nil {
		return nil, malformed("the body could not be read to its end")
	}
	if len(raw) == 0 {
		return &node{kind: '{'}, nil
	}
	if err := contentType(r, types); err != nil {
		return nil, err
	}
	n, err := parse(raw)
	if err != nil {
		return nil, err
	}
	if n.kind != '{' {
		return nil, fault.InField("", "type", "the body must be a JSON object")
	}
	return n, nil
}

// contentType demands JSON by name: a browser cannot send that to another site without asking first.
func contentType(r *http.Request, types []string) error {
	if e := r.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return malformed("the body must not be compressed")
	}
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err == nil {
		if cs, ok := params["charset"]; ok && !strings.EqualFold(cs, "utf-8") {
			return malformed("the body must be UTF-8")
		}
		for _, t := range types {
			if kind == t {
				return nil
			}
		}
	}
	return malformed("the body must be sent as %s", strings.Join(types, " or "))
}

// decode checks a whole value against its shape and reads it into a Go value.
func decode(n *node, s *shape, into any) error {
	var fs fault.Fields
	n.lint(nil, &fs)
	s.check(n, nil, &fs, false)
	if err := fs.Err(); err != nil {
		return err
	}
	return fill(n, into)
}

// decodePatch checks a merge patch, applies it to the value as it is now, and checks and reads what comes out.
func decodePatch(now any, patch *node, s *shape, into any) error {
	var fs fault.Fields
	patch.lint(nil, &fs)
	s.check(patch, nil, &fs, true)
	if err := fs.Err(); err != nil {
		return err
	}
	raw, err := marshal(now)
	if err != nil {
		return fmt.Errorf("editable form: %w", err)
	}
	target, err := parse(raw)
	if err != nil {
		return fmt.Errorf("editable form: %w", err)
	}
	whole := merged(target, patch)
	s.check(whole, nil, &fs, false)
	if err := fs.Err(); err != nil {
		return err
	}
	return fill(whole, into)
}

// fill reads a checked value. What fails here despite the check is a field whose type knows better than its schema.
func fill(n *node, into any) error {
	err := json.Unmarshal(n.write(nil), into)
	if err == nil {
		return nil
	}
	var f *fault.Error
	if errors.As(err, &f) && f.Kind == fault.Invalid {
		return f
	}
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return fault.InField(wrong.Field, "format", "%s has a value that is not allowed here", wrong.Field)
	}
	return fault.InField("", "format", "the body holds a value that is not allowed here")
}
