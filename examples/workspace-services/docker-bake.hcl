# Three services of one workspace, with one lock, on one base of the company: `docker buildx bake`.

# Where the images are pushed to.
variable "REPOSITORY" {
  default = "services"
}

# Where CI keeps its cache between runners, such as registry.example/cache.
variable "CACHE" {
  default = ""
}

group "default" {
  targets = ["service"]
}

target "service" {
  name       = service
  matrix     = { service = ["api", "worker", "admin"] }
  dockerfile = "services/${service}/Pyfile"
  contexts   = { "python:3.13-slim" = "target:base-image" }
  tags       = ["${REPOSITORY}/${service}:latest"]
  cache-from = CACHE == "" ? [] : ["type=registry,ref=${CACHE}/${service}"]
  cache-to   = CACHE == "" ? [] : ["type=registry,ref=${CACHE}/${service},mode=max"]
}

# What every image of the company starts from. It is built once, whoever needs it.
target "base-image" {
  context    = "base"
  dockerfile = "Dockerfile"
}
