package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"onebook/infra/local/gateway"
	"onebook/infra/local/schedule"
	"onebook/infra/local/stream"
	"onebook/infra/local/template"
)

// Deployment is what the template deploys, as far as the local program plays it. Limits of requests per second are
// left out: they protect an account's concurrency and its bill, and there is neither here.
type Deployment struct {
	Routes    []gateway.Route
	CORS      *gateway.CORS
	Timeouts  map[string]time.Duration // by function
	Env       map[string]map[string]string
	Policies  map[string][]template.Statement
	Streams   []stream.Mapping
	Schedules []schedule.Schedule
	MailEvent string            // the function that SES's events reach; empty for none
	Buckets   map[string]string // name here → resource in the template
}

// The names that stand for what only a deploy makes. What is not named reads as its name in the template.
const (
	tableName   = "onebook"
	bucketName  = "onebook-documents"
	letters     = "onebook-letters"
	mailFrom    = "no-reply@onebook.localhost"
	mailDomain  = "onebook.localhost"
	replyDomain = "replies.onebook.localhost"
	mailTopic   = "MailEvents"
	documents   = "Data.Documents"
	userPool    = "local-pool"
	ownerEmail  = "owner@demo.invalid"
	auditBucket = "onebook-audit"
)

// Read reads the deployment from the template in dir, with a site at base.
func Read(dir, base string) (Deployment, error) {
	t, err := template.Load(dir, map[string]string{
		"SiteUrl": base, "OwnerEmail": ownerEmail, "MailFrom": mailFrom, "MailIdentity": mailDomain, "ReplyDomain": replyDomain, "AWS::Region": region,
		"Data.Table": tableName, documents: bucketName, "Data.AuditRoots": auditBucket, "Letters": letters,
		"Auth.Users": userPool, "Auth.App": clientID, "Auth.Outputs.Issuer": base,
	})
	if err != nil {
		return Deployment{}, err
	}
	api, err := t.API()
	if err != nil {
		return Deployment{}, err
	}
	d := Deployment{Timeouts: map[string]time.Duration{}, Env: map[string]map[string]string{}, Policies: map[string][]template.Statement{},
		Buckets: map[string]string{bucketName: documents}}
	if c := api.CORS; c != nil {
		d.CORS = &gateway.CORS{AllowOrigins: c.AllowOrigins, AllowMethods: c.AllowMethods, AllowHeaders: c.AllowHeaders,
			ExposeHeaders: c.ExposeHeaders, AllowCredentials: c.AllowCredentials, MaxAge: c.MaxAge}
	}
	for _, f := range t.Functions() {
		if err := d.add(f); err != nil {
			return Deployment{}, fmt.Errorf("%s: %s: %w", template.File, f.LogicalID, err)
		}
	}
	return d, nil
}

func (d *Deployment) add(f template.Function) error {
	d.Timeouts[f.Name], d.Env[f.Name], d.Policies[f.Name] = f.Timeout, f.Env, f.Policy
	for _, r := range f.Routes {
		d.Routes = append(d.Routes, gateway.Route{Method: r.Method, Path: r.Path, Auth: r.Auth, Function: f.Name})
	}
	for _, s := range f.Streams {
		m := stream.Mapping{Name: f.LogicalID + s.Event, Function: f.Name, BatchSize: s.BatchSize, Retries: s.Retries, Bisect: s.Bisect, Partial: s.Partial}
		for _, pattern := range s.Filters {
			x, err := stream.ParseFilter(pattern)
			if err != nil {
				return err
			}
			m.Filters = append(m.Filters, x)
		}
		d.Streams = append(d.Streams, m)
	}
	for _, s := range f.Schedules {
		if s.Zone != "" && s.Zone != "UTC" {
			return fmt.Errorf("the schedule %s is in %s; only UTC is played here", s.Event, s.Zone)
		}
		d.Schedules = append(d.Schedules, schedule.Schedule{Name: f.LogicalID + s.Event, Expression: s.Expression, Function: f.Name, Input: s.Input})
	}
	for _, s := range f.Topics {
		if s.Topic != mailTopic {
			return fmt.Errorf("the topic %s has no source here", s.Topic)
		}
		d.MailEvent = f.Name
	}
	return nil
}

// names are the functions that something of the deployment refers to.
func (d *Deployment) names() []string {
	var out []string
	for _, r := range d.Routes {
		out = append(out, r.Function)
	}
	for _, m := range d.Streams {
		out = append(out, m.Function)
	}
	for _, s := range d.Schedules {
		out = append(out, s.Function)
	}
	if d.MailEvent != "" {
		out = append(out, d.MailEvent)
	}
	return out
}

// home finds the folder of the template: here or above.
func home() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, template.File)); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("there is no template.yaml here or above; start the program inside the repository")
		}
		dir = up
	}
}
