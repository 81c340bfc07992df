package store_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"onebook/internal/store"
)

const arn = "arn:aws:dynamodb:eu-central-1:123456789012:table/onebook/stream/2026-01-01T00:00:00.000"

// A record as Lambda delivers one: a float for the time, a sequence number of 21 digits and more.
const delivered = `{
  "eventID": "c4ca4238a0b923820dcc509a6f75849b", "eventName": "MODIFY", "eventVersion": "1.1",
  "eventSource": "aws:dynamodb", "awsRegion": "eu-central-1",
  "dynamodb": {
    "ApproximateCreationDateTime": 1.767225601E9,
    "Keys": {"pk": {"S": "EFFECT#ef_1"}, "sk": {"S": "EFFECT"}},
    "NewImage": {"pk": {"S": "EFFECT#ef_1"}, "sk": {"S": "EFFECT"}, "v": {"N": "2"}, "t": {"S": "effect"},
      "b": {"S": "{\"state\":\"sending\"}"}, "x": {"N": "1767312000000"}, "expires": {"N": "1767398400"},
      "due": {"S": "effect#3"}, "dueAt": {"S": "2026-01-01T00:00:30Z#ef_1"}},
    "OldImage": {"pk": {"S": "EFFECT#ef_1"}, "sk": {"S": "EFFECT"}, "v": {"N": "1"}, "t": {"S": "effect"},
      "b": {"S": "{\"state\":\"waiting\"}"}, "w": {"S": "AAAAAAAAAAAAAAAA"}},
    "SequenceNumber": "4421584500000000017450439091", "SizeBytes": 212, "StreamViewType": "NEW_AND_OLD_IMAGES"
  },
  "eventSourceARN": "` + arn + `"
}`

func TestDecodeStream(t *testing.T) {
	got, err := store.DecodeStream(json.RawMessage(delivered))
	if err != nil {
		t.Fatal(err)
	}
	key := store.Key{PK: "EFFECT#ef_1", SK: "EFFECT"}
	want := store.Change{
		At:  time.Date(2026, 1, 1, 0, 0, 1, 0, time.UTC),
		Old: &store.Item{Key: key, Version: 1, Kind: "effect", Body: []byte(`{"state":"waiting"}`)},
		New: &store.Item{
			Key: key, Version: 2, Kind: "effect", Body: []byte(`{"state":"sending"}`),
			Due: store.Key{PK: "effect#3", SK: "2026-01-01T00:00:30Z#ef_1"}, Expires: time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC),
		},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	// The sweep of an expired item names DynamoDB as the user.
	swept := strings.NewReplacer(`"MODIFY"`, `"REMOVE"`, `"NewImage"`, `"Other"`, `"eventVersion"`,
		`"userIdentity": {"type": "Service", "principalId": "dynamodb.amazonaws.com"}, "eventVersion"`).Replace(delivered)
	if got, err = store.DecodeStream(json.RawMessage(swept)); err != nil || got.New != nil || got.Old == nil {
		t.Errorf("a sweep reads %+v, %v", got, err)
	}
	for name, bad := range map[string]string{
		"no JSON":           delivered[:100],
		"other event":       strings.Replace(delivered, "MODIFY", "INSERT", 1),
		"no images":         strings.NewReplacer("NewImage", "a", "OldImage", "b").Replace(delivered),
		"version no number": strings.Replace(delivered, `"v": {"N": "2"}`, `"v": {"N": "two"}`, 1),
		"no key":            strings.NewReplacer(`"pk"`, `"xx"`).Replace(delivered),
	} {
		if c, err := store.DecodeStream(json.RawMessage(bad)); err == nil {
			t.Errorf("%s: read as %+v", name, c)
		}
	}
}

func drawnItem(t *rapid.T, k store.Key) *store.Item {
	if !rapid.Bool().Draw(t, "there") {
		return nil
	}
	text := rapid.StringMatching(`[a-z#é😀]{1,9}`)
	it := &store.Item{Key: k, Version: rapid.Int64Range(1, 1<<60).Draw(t, "version"), Kind: rapid.StringMatching(`[a-z]{0,5}`).Draw(t, "kind")}
	for _, at := range []*store.Key{&it.Due, &it.List, &it.Book} {
		if rapid.Bool().Draw(t, "stands") {
			*at = store.Key{PK: text.Draw(t, "part"), SK: text.Draw(t, "sort")}
		}
	}
	if rapid.Bool().Draw(t, "body") {
		it.Body, _ = json.Marshal(map[string]string{"s": rapid.String().Draw(t, "text")})
	}
	if rapid.Bool().Draw(t, "expires") {
		it.Expires = time.UnixMilli(rapid.Int64Range(1, 1<<42).Draw(t, "ms")).UTC()
	}
	return it
}

// What is encoded is decoded again, and has the shape that Lambda delivers.
func TestStreamRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := store.Key{PK: rapid.StringMatching(`[A-Z#é]{1,9}`).Draw(t, "pk"), SK: "S"}
		c := store.Change{
			Seq: rapid.Uint64Max(1<<62).Draw(t, "seq"), At: time.Unix(rapid.Int64Range(1, 1<<32).Draw(t, "at"), 0).UTC(),
			Old: drawnItem(t, k), New: drawnItem(t, k),
		}
		b, err := store.EncodeStream(c, arn)
		if c.Old == nil && c.New == nil {
			if err == nil {
				t.Fatalf("a change of nothing is written as %s", b)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		got, err := store.DecodeStream(b)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(c, got); d != "" {
			t.Fatal(d)
		}
		var r map[string]any
		if err := json.Unmarshal(b, &r); err != nil {
			t.Fatal(err)
		}
		event := map[[2]bool]string{{false, true}: "INSERT", {true, true}: "MODIFY", {true, false}: "REMOVE"}[[2]bool{c.Old != nil, c.New != nil}]
		d := r["dynamodb"].(map[string]any)
		if r["eventName"] != event || r["eventSourceARN"] != arn || r["awsRegion"] != "eu-central-1" || len(r["eventID"].(string)) != 32 ||
			d["StreamViewType"] != "NEW_AND_OLD_IMAGES" || len(d["SequenceNumber"].(string)) != 21 || d["Keys"].(map[string]any)["pk"].(map[string]any)["S"] != k.PK {
			t.Fatalf("the record is %s", b)
		}
	})
}

// Whatever comes as a record, reading it ends in a change or an error.
func FuzzDecodeStream(f *testing.F) {
	f.Add([]byte(delivered))
	f.Add([]byte(`{"dynamodb":{"Keys":{"pk":{"N":"1"}},"NewImage":{"pk":{}},"ApproximateCreationDateTime":-1e300}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := store.DecodeStream(b)
		if err != nil {
			return
		}
		if _, err := store.EncodeStream(c, arn); err != nil {
			t.Errorf("%s is read as %+v, which cannot be written: %v", b, c, err)
		}
	})
}
