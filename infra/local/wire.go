package main

// deployment is what the template deploys.
func deployment() (Deployment, error) {
	return Deployment{Buckets: []string{"onebook-documents"}}, nil
}

// build wires the product from its parts.
func build(Parts) (Product, error) {
	return Product{Functions: Functions{}}, nil
}
