package main

import (
	"context"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"onebook/infra/local/faults"
	"onebook/infra/local/invoke"
	"onebook/infra/local/rights"
)

// What the roles of the template speak of, by its names.
const (
	tableResource = "Data.Table"
	mailResource  = "arn:aws:ses:" + region + ":123456789012:identity/" + mailDomain
)

// point names the fault point of a call to one of the stand-ins.
func point(r *http.Request) string {
	switch path := r.URL.Path; {
	case strings.HasPrefix(path, pathS3):
		return faults.S3(r)
	case strings.HasPrefix(path, pathSES):
		return faults.Mail(r)
	default:
		x := *r
		u := *r.URL
		u.Path = strings.TrimPrefix(path, pathStripe)
		x.URL = &u
		return faults.Stripe(&x)
	}
}

// guarded tells what IAM would ask about a call over HTTP: a raw message needs both actions of SES. S3 asks by
// itself, since an address that was signed is used by somebody else.
func guarded(r *http.Request) ([]string, string) {
	if strings.HasPrefix(r.URL.Path, pathSES) {
		return []string{"ses:SendEmail", "ses:SendRawEmail"}, mailResource
	}
	return nil, ""
}

// allow holds calls to S3 to the rights of the function whose credentials signed them.
func (p *Program) allow(book *rights.Book) func(user, method, bucket, key, version string) error {
	return func(user, method, bucket, key, version string) error {
		action := "s3:GetObject"
		switch {
		case key == "":
			action = "s3:ListBucket"
		case method == http.MethodPut || method == http.MethodPost:
			action = "s3:PutObject"
		case method == http.MethodDelete:
			action = "s3:DeleteObject"
		case version != "":
			action = "s3:GetObjectVersion"
		}
		resource := p.Deployment.Buckets[bucket]
		if key != "" {
			resource += "/" + key
		}
		return book.Check(user, action, resource, "")
	}
}

// secret answers a secret to a function that may read it.
func (r *run) secret(ctx context.Context, name string) (string, error) {
	if err := r.rights.Check(invoke.Name(ctx), "secretsmanager:GetSecretValue", name, ""); err != nil {
		return "", err
	}
	return r.secrets.Value(ctx, name)
}

// credentials are a function's own; they name it to S3. An empty name may do everything.
func credentials(function string) aws.CredentialsProvider {
	id := access.KeyID
	if function != "" {
		id += "." + function
	}
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: id, SecretAccessKey: access.Secret}, nil
	})
}
