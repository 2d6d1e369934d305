import type { Image } from './image.ts'

/**
 * What the Docker image's configuration does, for Debian's nginx: logs to the container's streams, port 80 in both families,
 * the package's welcome page. It replaces /etc/nginx/nginx.conf, so that the machine's own sites do not show.
 */
const NGINX_CONF = `user www-data;
worker_processes auto;
error_log /dev/stderr notice;
pid /run/nginx.pid;
include /etc/nginx/modules-enabled/*.conf;

events {
    worker_connections 1024;
}

http {
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    log_format main '$remote_addr - $remote_user [$time_local] "$request" '
                    '$status $body_bytes_sent "$http_referer" '
                    '"$http_user_agent" "$http_x_forwarded_for"';
    access_log /dev/stdout main;
    sendfile on;
    keepalive_timeout 65;

    server {
        listen 80;
        listen [::]:80;
        server_name localhost;
        root /usr/share/nginx/html;
        index index.html index.htm;
    }
}
`

/** Debian's nginx with its welcome page. */
export const NGINX_IMAGE: Image = {
  name: 'nginx',
  entrypoint: [],
  args: ['nginx', '-g', 'daemon off;'],
  env: {},
  workingDir: '/',
  emptyDirs: ['/var/log/nginx', '/var/lib/nginx'],
  files: { '/etc/nginx/nginx.conf': NGINX_CONF },
  visible: [],
}
