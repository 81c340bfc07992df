package stream

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// Filter is one pattern of an event source mapping, in the language of EventBridge: a record fits when every
// member named by the pattern has one of the values or fits one of the tests listed. Prefix, suffix, anything-but,
// exists and numeric are known; other tests are refused, so that a template that means more than is done here does
// not run here.
type Filter struct{ pattern map[string]any }

// ParseFilter reads a pattern as a template has it.
func ParseFilter(s string) (Filter, error) {
	var p map[string]any
	if err := json.Unmarshal([]byte(s), &p); err != nil {
		return Filter{}, fmt.Errorf("the filter %s cannot be read: %w", s, err)
	}
	if err := checkPattern(p); err != nil {
		return Filter{}, fmt.Errorf("the filter %s: %w", s, err)
	}
	return Filter{p}, nil
}

func checkPattern(p map[string]any) error {
	if len(p) == 0 {
		return fmt.Errorf("an empty pattern fits nothing")
	}
	for k, v := range p {
		switch x := v.(type) {
		case map[string]any:
			if err := checkPattern(x); err != nil {
				return err
			}
		case []any:
			for _, test := range x {
				if err := checkTest(test); err != nil {
					return fmt.Errorf("%s: %w", k, err)
				}
			}
		default:
			return fmt.Errorf("%s is neither a list nor a pattern", k)
		}
	}
	return nil
}

func checkTest(test any) error {
	m, ok := test.(map[string]any)
	if !ok {
		return nil
	}
	if len(m) != 1 {
		return fmt.Errorf("a test has one name")
	}
	for name, arg := range m {
		ok := false
		switch name {
		case "prefix", "suffix":
			_, ok = arg.(string)
		case "exists":
			_, ok = arg.(bool)
		case "anything-but":
			_, isMap := arg.(map[string]any)
			ok = !isMap
		case "numeric":
			list, isList := arg.([]any)
			ok = isList && len(list) > 0 && len(list)%2 == 0
		}
		if !ok {
			return fmt.Errorf("the test %s is not known here, or its argument is wrong", name)
		}
	}
	return nil
}

// Match reports whether a record fits.
func (f Filter) Match(record json.RawMessage) bool {
	var r any
	return json.Unmarshal(record, &r) == nil && matches(f.pattern, r)
}

func matches(p map[string]any, record any) bool {
	m, _ := record.(map[string]any)
	for k, want := range p {
		value, there := m[k]
		if inner, ok := want.(map[string]any); ok {
			// An absent member may still fit a pattern that asks for absence.
			if !matches(inner, value) {
				return false
			}
			continue
		}
		fits := false
		for _, test := range want.([]any) {
			if fits = fitsTest(test, value, there); fits {
				break
			}
		}
		if !fits {
			return false
		}
	}
	return true
}

func fitsTest(test, value any, there bool) bool {
	m, ok := test.(map[string]any)
	if !ok {
		if list, isList := value.([]any); isList {
			for _, v := range list {
				if reflect.DeepEqual(test, v) {
					return true
				}
			}
			return false
		}
		return there && reflect.DeepEqual(test, value)
	}
	text, isText := value.(string)
	for name, arg := range m {
		switch name {
		case "prefix":
			return isText && strings.HasPrefix(text, arg.(string))
		case "suffix":
			return isText && strings.HasSuffix(text, arg.(string))
		case "exists":
			return there == arg.(bool)
		case "anything-but":
			if !there {
				return false
			}
			list, isList := arg.([]any)
			if !isList {
				list = []any{arg}
			}
			for _, x := range list {
				if reflect.DeepEqual(x, value) {
					return false
				}
			}
			return true
		case "numeric":
			n, isNumber := value.(float64)
			return isNumber && inRange(arg.([]any), n)
		}
	}
	return false
}

func inRange(tests []any, n float64) bool {
	for i := 0; i < len(tests); i += 2 {
		op, _ := tests[i].(string)
		x, ok := tests[i+1].(float64)
		fits := false
		switch op {
		case "=":
			fits = n == x
		case "<":
			fits = n < x
		case "<=":
			fits = n <= x
		case ">":
			fits = n > x
		case ">=":
			fits = n >= x
		}
		if !ok || !fits {
			return false
		}
	}
	return true
}
