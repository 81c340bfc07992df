package arch_test

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"onebook/infra/local/template"
)

// alarmed reports whether an alarm looks at a dimension with that value.
func (d *deployment) alarmed(dimension, value string) bool {
	for _, a := range d.OfType("AWS::CloudWatch::Alarm") {
		for _, x := range dimensions(a) {
			if x.name == dimension && x.value == value {
				return true
			}
		}
	}
	return false
}

type dimension struct{ namespace, metric, name, value string }

// dimensions answers what an alarm looks at; a metric without dimensions has one entry without name.
func dimensions(alarm template.Resource) []dimension {
	var out []dimension
	one := func(m map[string]any) {
		ns, _ := m["Namespace"].(string)
		metric, _ := m["MetricName"].(string)
		dims := items(m["Dimensions"])
		if len(dims) == 0 {
			out = append(out, dimension{namespace: ns, metric: metric})
		}
		for _, x := range dims {
			p, _ := x.(map[string]any)
			name, _ := p["Name"].(string)
			value, _ := p["Value"].(string)
			out = append(out, dimension{ns, metric, name, value})
		}
	}
	if alarm.Properties["MetricName"] != nil {
		one(alarm.Properties)
	}
	for _, x := range items(alarm.Properties["Metrics"]) {
		p, _ := x.(map[string]any)
		if m := props(p, "MetricStat", "Metric"); m != nil {
			one(m)
		}
	}
	return out
}

// watched says what is missing for a destination to be noticed: it exists, and an alarm looks at it.
func (d *deployment) watched(destination string) string {
	r, ok := d.Resource(destination)
	switch {
	case destination == "":
		return "has no destination for what fails"
	case !ok:
		return "sends what fails to " + destination + ", which is nothing of this deployment"
	case r.Type == "AWS::SQS::Queue":
		if !d.alarmed("QueueName", destination+".QueueName") {
			return "sends what fails to " + destination + ", which no alarm looks at"
		}
		return ""
	case r.Type == "AWS::S3::Bucket":
		for _, q := range items(props(r.Properties, "NotificationConfiguration")["QueueConfigurations"]) {
			p, _ := q.(map[string]any)
			if queue, _ := p["Queue"].(string); p["Event"] == "s3:ObjectCreated:*" && d.alarmed("QueueName", queue+".QueueName") {
				return ""
			}
		}
		return "sends what fails to " + destination + ", which nobody is told of"
	}
	return "sends what fails to a " + r.Type
}

// edgeLaw: whatever is handed on without anybody waiting has a place for what fails, and that place wakes somebody.
func edgeLaw(d *deployment) (out []string) {
	for _, f := range d.Functions() {
		note := func(what, destination string) {
			if missing := d.watched(destination); missing != "" {
				say(&out, "%s: %s %s", f.LogicalID, what, missing)
			}
		}
		for _, s := range f.Streams {
			note("the stream "+s.Event, s.OnFailure)
		}
		for _, s := range f.Schedules {
			note("the schedule "+s.Event, s.DeadLetter)
		}
		for _, t := range f.Topics {
			note("the subscription "+t.Event, t.DeadLetter)
		}
		if len(f.Schedules)+len(f.Topics) > 0 {
			note("an invocation", f.OnFailure)
		}
		if len(f.Streams)+len(f.Topics) > 0 && !d.alarmed("FunctionName", f.LogicalID) {
			say(&out, "%s: no alarm looks at its errors", f.LogicalID)
		}
		for _, s := range f.Policy {
			if s.Sid == "Undelivered" && !slices.Contains(s.Resources, f.OnFailure) {
				say(&out, "%s may not send to %s what fails", f.LogicalID, f.OnFailure)
			}
		}
		if f.OnFailure != "" && !slices.ContainsFunc(f.Policy, func(s template.Statement) bool {
			return s.Effect == "Allow" && slices.Contains(s.Actions, "sqs:SendMessage") && slices.Contains(s.Resources, f.OnFailure)
		}) {
			say(&out, "%s may not send what fails to %s", f.LogicalID, f.OnFailure)
		}
	}
	return out
}

// streamLaw: the settings of reliability.md §6.
func streamLaw(d *deployment) (out []string) {
	taken := map[string]string{}
	for _, f := range d.Functions() {
		for _, s := range f.Streams {
			bad := func(format string, args ...any) { say(&out, f.LogicalID+"."+s.Event+": "+format, args...) }
			if s.Source != "Data.Table.StreamArn" {
				bad("reads %s, not the table's stream", s.Source)
			}
			if s.Start != "TRIM_HORIZON" {
				bad("starts at %s: what was written before the first start would be lost", s.Start)
			}
			if s.BatchSize < 25 || s.BatchSize > 100 {
				bad("takes %d at once, not 25 to 100", s.BatchSize)
			}
			if !s.Partial {
				bad("cannot say which records failed (ReportBatchItemFailures)")
			}
			if !s.Bisect {
				bad("does not bisect, so one bad record stops its neighbours")
			}
			if s.Retries != 5 {
				bad("retries %d times, not 5: a bad record must end up aside", s.Retries)
			}
			if s.MaxAge != 6*time.Hour {
				bad("gives up after %v, not 6 hours", s.MaxAge)
			}
			if r, _ := d.Resource(s.OnFailure); r.Type != "AWS::S3::Bucket" {
				bad("puts what fails into %q; only a bucket gets the whole record", s.OnFailure)
			}
			if len(s.Filters) == 0 {
				bad("has no filter and would see its own writes")
			}
			for _, filter := range s.Filters {
				kinds := effectKinds(filter)
				if len(kinds) == 0 {
					bad("the filter %s is not on new effects by their kind", filter)
				}
				for _, k := range kinds {
					if by := taken[k]; by != "" {
						bad("%s goes to %s as well", k, by)
					}
					taken[k] = f.LogicalID
				}
			}
		}
	}
	for _, k := range []string{"effect.mail", "effect.pdf", "effect.stripe"} {
		if taken[k] == "" {
			say(&out, "no stream takes %s", k)
		}
	}
	return out
}

func effectKinds(filter string) []string {
	var p struct {
		EventName []string `json:"eventName"`
		DynamoDB  struct {
			NewImage struct {
				T struct{ S []string } `json:"t"`
			}
		} `json:"dynamodb"`
	}
	if json.Unmarshal([]byte(filter), &p) != nil || !slices.Equal(p.EventName, []string{"INSERT"}) {
		return nil
	}
	for _, k := range p.DynamoDB.NewImage.T.S {
		if !strings.HasPrefix(k, "effect.") {
			return nil
		}
	}
	return p.DynamoDB.NewImage.T.S
}

func scheduleLaw(d *deployment) (out []string) {
	n := 0
	for _, f := range d.Functions() {
		for _, s := range f.Schedules {
			n++
			bad := func(format string, args ...any) { say(&out, f.LogicalID+"."+s.Event+": "+format, args...) }
			if s.Zone != "UTC" {
				bad("goes by %q, not UTC", s.Zone)
			}
			if s.Flexible != "OFF" {
				bad("may be late (FlexibleTimeWindow %s)", s.Flexible)
			}
			if s.MaxAge != 24*time.Hour || s.Retries != 185 {
				bad("is tried %d times in %v, not 185 times in 24 hours", s.Retries, s.MaxAge)
			}
			if s.Input != `{"asOf":"<aws.scheduler.scheduled-time>"}` {
				bad("hands on %s; only the moment, the work is found in the table", s.Input)
			}
		}
	}
	if n == 0 {
		say(&out, "nothing runs by the clock")
	}
	return out
}
