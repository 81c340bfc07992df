package stream

import (
	"encoding/json"
	"testing"
)

// A filter lets through what the service would let through.
func TestFilter(t *testing.T) {
	record := json.RawMessage(`{"eventName":"INSERT","dynamodb":{"Keys":{"pk":{"S":"EFFECT#ef_1"}},"NewImage":{"t":{"S":"effect"},"v":{"N":"1"},"n":{"X":5}},"tags":["a","b"]}}`)
	for pattern, want := range map[string]bool{
		`{"eventName":["INSERT","MODIFY"]}`:                                        true,
		`{"eventName":["REMOVE"]}`:                                                 false,
		`{"dynamodb":{"NewImage":{"t":{"S":["effect"]}}}}`:                         true,
		`{"dynamodb":{"NewImage":{"t":{"S":["invoice"]}}}}`:                        false,
		`{"eventName":["INSERT"],"dynamodb":{"NewImage":{"t":{"S":["invoice"]}}}}`: false,
		`{"dynamodb":{"Keys":{"pk":{"S":[{"prefix":"EFFECT#"}]}}}}`:                true,
		`{"dynamodb":{"Keys":{"pk":{"S":[{"suffix":"_1"}]}}}}`:                     true,
		`{"dynamodb":{"Keys":{"pk":{"S":[{"prefix":"C#"}]}}}}`:                     false,
		`{"dynamodb":{"OldImage":{"t":{"S":[{"exists":false}]}}}}`:                 true,
		`{"dynamodb":{"NewImage":{"t":{"S":[{"exists":false}]}}}}`:                 false,
		`{"dynamodb":{"NewImage":{"t":{"S":[{"anything-but":["invoice"]}]}}}}`:     true,
		`{"dynamodb":{"NewImage":{"t":{"S":[{"anything-but":"effect"}]}}}}`:        false,
		`{"dynamodb":{"OldImage":{"t":{"S":[{"anything-but":"effect"}]}}}}`:        false,
		`{"dynamodb":{"NewImage":{"n":{"X":[{"numeric":[">",1,"<=",5]}]}}}}`:       true,
		`{"dynamodb":{"NewImage":{"n":{"X":[{"numeric":[">",5]}]}}}}`:              false,
		`{"dynamodb":{"NewImage":{"v":{"N":["1"]}}}}`:                              true,
		`{"dynamodb":{"NewImage":{"v":{"N":[1]}}}}`:                                false,
		`{"dynamodb":{"tags":["b"]}}`:                                              true,
	} {
		f, err := ParseFilter(pattern)
		if err != nil {
			t.Errorf("%s: %v", pattern, err)
		} else if got := f.Match(record); got != want {
			t.Errorf("%s: %v", pattern, got)
		}
	}
	for _, pattern := range []string{``, `[]`, `{}`, `{"a":"b"}`, `{"a":{}}`, `{"a":[{"wildcard":"*"}]}`, `{"a":[{"prefix":1}]}`, `{"a":[{"numeric":[">"]}]}`, `{"a":[{"anything-but":{"prefix":"x"}}]}`} {
		if _, err := ParseFilter(pattern); err == nil {
			t.Errorf("%s was read", pattern)
		}
	}
}
