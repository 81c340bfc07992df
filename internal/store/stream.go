package store

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// attrJSON is an attribute as a stream record writes it.
type attrJSON struct {
	S *string `json:"S,omitempty"`
	N *string `json:"N,omitempty"`
	B []byte  `json:"B,omitempty"`
}

type imageJSON map[string]attrJSON

// streamJSON is one record of the event by which Lambda hands on a DynamoDB stream.
type streamJSON struct {
	EventID      string       `json:"eventID"`
	EventName    string       `json:"eventName"`
	EventVersion string       `json:"eventVersion"`
	EventSource  string       `json:"eventSource"`
	AWSRegion    string       `json:"awsRegion"`
	DynamoDB     streamChange `json:"dynamodb"`
	SourceARN    string       `json:"eventSourceARN"`
}

type streamChange struct {
	ApproximateCreationDateTime float64   `json:"ApproximateCreationDateTime"`
	Keys                        imageJSON `json:"Keys"`
	NewImage                    imageJSON `json:"NewImage,omitempty"`
	OldImage                    imageJSON `json:"OldImage,omitempty"`
	SequenceNumber              string    `json:"SequenceNumber"`
	SizeBytes                   int       `json:"SizeBytes"`
	StreamViewType              string    `json:"StreamViewType"`
}

// The events of a stream.
const (
	streamInsert = "INSERT"
	streamModify = "MODIFY"
	streamRemove = "REMOVE"
)

// DecodeStream reads one record of a stream event, as Lambda delivers it. At has whole seconds there. Seq is 0
// when the record's number is larger than it can hold; the number itself stays in the record, for a handler that
// reports failures.
func DecodeStream(record json.RawMessage) (Change, error) {
	var r streamJSON
	if err := json.Unmarshal(record, &r); err != nil {
		return Change{}, fmt.Errorf("store: stream record: %w", err)
	}
	d := &r.DynamoDB
	c := Change{At: unixSeconds(d.ApproximateCreationDateTime)}
	if n, err := strconv.ParseUint(d.SequenceNumber, 10, 64); err == nil {
		c.Seq = n
	}
	var err error
	if c.Old, err = d.OldImage.item(d.Keys); err != nil {
		return Change{}, err
	}
	if c.New, err = d.NewImage.item(d.Keys); err != nil {
		return Change{}, err
	}
	if want := c.event(); r.EventName != want || want == "" {
		return Change{}, fmt.Errorf("store: stream record %s: event %q does not fit its images", r.EventID, r.EventName)
	}
	return c, nil
}

// EncodeStream writes c as Lambda would deliver it from the stream with this ARN.
func EncodeStream(c Change, arn string) (json.RawMessage, error) {
	event := c.event()
	if event == "" {
		return nil, fmt.Errorf("store: change %d has neither an item before nor after", c.Seq)
	}
	d := streamChange{
		ApproximateCreationDateTime: float64(c.At.Unix()),
		NewImage:                    imageOf(c.New),
		OldImage:                    imageOf(c.Old),
		SequenceNumber:              fmt.Sprintf("%021d", c.Seq),
		StreamViewType:              "NEW_AND_OLD_IMAGES",
	}
	side := c.New
	if side == nil {
		side = c.Old
	}
	d.Keys = imageJSON{attrPK: {S: &side.PK}, attrSK: {S: &side.SK}}
	for _, it := range [...]*Item{c.Old, c.New} {
		if it != nil {
			d.SizeBytes += it.size(false)
		}
	}
	id := sha256.Sum256([]byte(arn + "\x00" + d.SequenceNumber))
	region := ""
	if parts := strings.Split(arn, ":"); len(parts) > 3 {
		region = parts[3]
	}
	return json.Marshal(streamJSON{
		EventID: hex.EncodeToString(id[:16]), EventName: event, EventVersion: "1.1", EventSource: "aws:dynamodb",
		AWSRegion: region, DynamoDB: d, SourceARN: arn,
	})
}

// event names what happened, "" when neither side is there.
func (c *Change) event() string {
	switch {
	case c.Old == nil && c.New == nil:
		return ""
	case c.Old == nil:
		return streamInsert
	case c.New == nil:
		return streamRemove
	}
	return streamModify
}

func imageOf(it *Item) imageJSON {
	if it == nil {
		return nil
	}
	m := imageJSON{}
	for _, a := range it.attrs("") {
		switch {
		case a.number:
			m[a.name] = attrJSON{N: &a.value}
		case a.binary:
			m[a.name] = attrJSON{B: []byte(a.value)}
		default:
			m[a.name] = attrJSON{S: &a.value}
		}
	}
	return m
}

func (m imageJSON) item(keys imageJSON) (*Item, error) {
	if len(m) == 0 {
		return nil, nil
	}
	it, err := itemOf(func(name string) string {
		a, ok := m[name]
		if !ok && (name == attrPK || name == attrSK) {
			a = keys[name]
		}
		switch {
		case a.S != nil:
			return *a.S
		case a.N != nil:
			return *a.N
		}
		return string(a.B)
	})
	if err != nil {
		return nil, err
	}
	if err := it.Key.check(); err != nil {
		return nil, fmt.Errorf("store: stream record without a key: %w", err)
	}
	return &it, nil
}

func unixSeconds(s float64) time.Time {
	if !(s > 0 && s < math.MaxInt32*100.0) {
		return time.Unix(0, 0).UTC()
	}
	return time.Unix(int64(s), 0).UTC()
}
