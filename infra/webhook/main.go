// Webhook makes Stripe's webhook endpoint for a deployment, in the API version that the product reads, and prints its
// signing secret once: it belongs into Secrets Manager. Running it again changes nothing.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"time"

	"onebook/internal/stripepay"
)

func main() {
	url := flag.String("url", "", "address of the deployment's webhook, e.g. https://book.example/hooks/stripe")
	flag.Parse()
	if err := ensure(*url, os.Getenv("STRIPE_KEY")); err != nil {
		fmt.Fprintln(os.Stderr, "webhook:", err)
		os.Exit(1)
	}
}

func ensure(url, key string) error {
	if url == "" {
		return fmt.Errorf("-url is needed; make deploy prints it")
	}
	client, err := stripepay.New(stripepay.Config{Key: key})
	if err != nil {
		return fmt.Errorf("STRIPE_KEY: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	made, err := client.EnsureWebhook(ctx, url)
	if err != nil {
		return err
	}
	fmt.Println("endpoint", made.ID)
	if made.Secret != "" {
		fmt.Println("signing secret, shown this once:", made.Secret)
	}
	return nil
}
