// Package fault holds the seven kinds of error a person may be told about.
//
// Everything that is not one of the seven is internal: it is logged once at the door and told to the client
// as "internal". Code decides by kind, with errors.Is(err, fault.Stale), and never by text. A message says
// what is wrong, why, and what to do next, because a person reads it.
package fault

import (
	"errors"
	"fmt"
)

// Kind is one of the seven. A Kind is itself an error, so that errors.Is(err, fault.NotFound) works.
type Kind int

// The seven kinds, with the HTTP status that the door gives them.
const (
	Invalid  Kind = iota + 1 // the request itself is wrong: 422
	Denied                   // the actor may not: 403
	NotFound                 // there is no such thing, or it may not be known: 404
	Exists                   // it was done or taken already: 409
	Stale                    // it was changed since it was read: 412
	Unready                  // its state does not allow it now: 409
	Busy                     // too much at once, try again: 503
)

var names = map[Kind]string{
	Invalid: "invalid", Denied: "denied", NotFound: "not_found", Exists: "exists",
	Stale: "stale", Unready: "unready", Busy: "busy",
}

// Error answers the kind's word, which is also its default code in the API.
func (k Kind) Error() string { return names[k] }

// Errorf makes an error of this kind. %w keeps a cause for errors.Is and errors.As; the text is for the reader.
func (k Kind) Errorf(format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Kind: k, Code: k.Error(), Message: err.Error(), cause: errors.Unwrap(err)}
}

// Field names one wrong field of a request: a path such as lines[0].unitPrice, a stable code, and a sentence.
type Field struct {
	Field   string `json:"field"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Error is a fault that may be shown: a kind, a stable code for programs, a message for people.
type Error struct {
	Kind    Kind
	Code    string
	Message string
	Fields  []Field        // the wrong fields, of an Invalid
	Data    map[string]any // further members of the problem, e.g. contactId of an Exists, current of a Stale
	cause   error
}

func (e *Error) Error() string { return e.Message }

// Unwrap gives the cause, if one was wrapped.
func (e *Error) Unwrap() error { return e.cause }

// Is reports whether target is this error's kind.
func (e *Error) Is(target error) bool { k, ok := target.(Kind); return ok && k == e.Kind }

// Coded gives a copy with another stable code, e.g. amount_not_payable_online.
func (e *Error) Coded(code string) *Error { c := *e; c.Code = code; return &c }

// With gives a copy that carries one more member for the problem document.
func (e *Error) With(name string, value any) *Error {
	c := *e
	c.Data = make(map[string]any, len(e.Data)+1)
	for k, v := range e.Data {
		c.Data[k] = v
	}
	c.Data[name] = value
	return &c
}

// InField makes an Invalid about one field.
func InField(field, code, format string, args ...any) *Error {
	msg := fmt.Sprintf(format, args...)
	return &Error{Kind: Invalid, Code: Invalid.Error(), Message: msg, Fields: []Field{{field, code, msg}}}
}

// Fields collects wrong fields, so that a person sees all of them at once.
type Fields []Field

// Add notes one wrong field.
func (f *Fields) Add(field, code, format string, args ...any) {
	*f = append(*f, Field{field, code, fmt.Sprintf(format, args...)})
}

// Join notes err under the path prefix when it is an Invalid, and answers every other error unchanged.
func (f *Fields) Join(prefix string, err error) error {
	var e *Error
	if err == nil {
		return nil
	}
	if !errors.As(err, &e) || e.Kind != Invalid {
		return err
	}
	if len(e.Fields) == 0 {
		*f = append(*f, Field{prefix, e.Code, e.Message})
	}
	for _, x := range e.Fields {
		path := prefix
		switch {
		case path == "":
			path = x.Field
		case x.Field != "" && x.Field[0] == '[':
			path += x.Field
		case x.Field != "":
			path += "." + x.Field
		}
		*f = append(*f, Field{path, x.Code, x.Message})
	}
	return nil
}

// Err answers nil when nothing was noted, else one Invalid with all fields.
func (f Fields) Err() error {
	if len(f) == 0 {
		return nil
	}
	msg := f[0].Message
	if len(f) > 1 {
		msg = fmt.Sprintf("%s (and %d more)", msg, len(f)-1)
	}
	return &Error{Kind: Invalid, Code: Invalid.Error(), Message: msg, Fields: f}
}

// KindOf answers the kind of err, or 0 when it is internal.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	var k Kind
	if errors.As(err, &k) {
		return k
	}
	return 0
}
