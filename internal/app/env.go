package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"onebook/internal/store"
)

// environment lists every name that a function may find set; the template gives each only those it needs.
var environment = []string{
	"TABLE", "BUCKET", "SITE_URL", "LINK_KEY_SECRET", "STRIPE_SECRET", "STRIPE_WEBHOOK_SECRET", "STRIPE_LIVE", "MAIL_FROM", "CONFIG_SET", "REPLY_DOMAIN",
	"USER_POOL_ID", "USER_POOL_CLIENT_ID", "ISSUER", "EFFECTS",
}

// FromEnvironment reads what a deployed function stands on. It makes no call. A deployment that lacks the name of its
// table is an error here, not at the first request.
func FromEnvironment() (Parts, error) {
	p := Parts{
		Env: map[string]string{}, Now: time.Now, Machine: time.Now, Entropy: rand.Reader, Region: os.Getenv("AWS_REGION"),
		Credentials: aws.NewCredentialsCache(aws.CredentialsProviderFunc(fromEnv)),
		Log:         slog.New(slog.NewJSONHandler(os.Stdout, &slog.HandlerOptions{Level: level(os.Getenv("LOG_LEVEL"))})),
	}
	for _, n := range environment {
		p.Env[n] = os.Getenv(n)
	}
	p.S3, p.SES = os.Getenv("AWS_ENDPOINT_URL_S3"), os.Getenv("AWS_ENDPOINT_URL_SESV2")
	p.Cognito = os.Getenv("AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER")
	if p.Env["TABLE"] == "" {
		return Parts{}, errors.New("the environment lacks TABLE")
	}
	p.Live = p.Env["STRIPE_LIVE"] == "true"
	db := dynamodb.New(dynamodb.Options{Region: p.Region, Credentials: p.Credentials, Retryer: aws.NopRetryer{}, BaseEndpoint: endpoint("AWS_ENDPOINT_URL_DYNAMODB")})
	p.Table = store.NewDynamoDB(db, p.Env["TABLE"], p.Now, p.Entropy)
	p.Secret = p.fromSecretsManager()
	return p, nil
}

// endpoint is another address of a service than its own, under the name that the SDKs of AWS read it from. Nothing in the
// template sets one; tests of the binaries do.
func endpoint(name string) *string {
	if v := os.Getenv(name); v != "" {
		return &v
	}
	return nil
}

// fromEnv reads the credentials that Lambda puts into the environment.
func fromEnv(context.Context) (aws.Credentials, error) {
	c := aws.Credentials{
		AccessKeyID: os.Getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
		SessionToken: os.Getenv("AWS_SESSION_TOKEN"), Source: "environment",
	}
	if !c.HasKeys() {
		return aws.Credentials{}, errors.New("the environment has no credentials")
	}
	return c, nil
}

func level(s string) slog.Level {
	var l slog.Level
	if err := l.UnmarshalText([]byte(strings.ToUpper(s))); err != nil {
		return slog.LevelInfo
	}
	return l
}

func (p Parts) fromSecretsManager() func(ctx context.Context, ref string) (string, error) {
	client := Once(func(context.Context) (*secretsmanager.Client, error) {
		return secretsmanager.New(secretsmanager.Options{
			Region: p.Region, Credentials: p.Credentials, BaseEndpoint: endpoint("AWS_ENDPOINT_URL_SECRETS_MANAGER"),
		}), nil
	})
	return func(ctx context.Context, ref string) (string, error) {
		c, err := client(ctx)
		if err != nil {
			return "", err
		}
		out, err := c.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &ref})
		if err != nil {
			return "", fmt.Errorf("secret: %w", err)
		}
		return aws.ToString(out.SecretString), nil
	}
}
