package org.bitscarp.hub;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.SocketAddress;
import java.net.URI;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * The proxy that {@code HTTPS_PROXY}, {@code HTTP_PROXY} and {@code NO_PROXY} name, in either case, as curl and Python's
 * clients read them; where they name none, Java's own properties decide.
 */
final class EnvironmentProxy extends ProxySelector {
    /** This machine, which no proxy is asked for. */
    private static final Pattern LOCAL = Pattern.compile("localhost|127\\..*|\\[::1]");

    private final Map<String, String> variables;
    private final ProxySelector otherwise;

    private EnvironmentProxy(Map<String, String> variables, ProxySelector otherwise) {
        this.variables = variables;
        this.otherwise = otherwise;
    }

    static ProxySelector selector(Map<String, String> variables) {
        return new EnvironmentProxy(Map.copyOf(variables), ProxySelector.getDefault());
    }

    @Override
    public List<Proxy> select(URI uri) {
        String name = uri.getScheme().toLowerCase(Locale.ROOT) + "_proxy";
        // Upper-case HTTP_PROXY is not read: in a CGI program a client could set it (CVE-2016-5385).
        String value = variables.getOrDefault(
                name, name.equals("https_proxy") ? variables.getOrDefault("HTTPS_PROXY", "") : "");
        if (value.isBlank() || LOCAL.matcher(uri.getHost()).matches()) {
            return otherwise.select(uri);
        }
        if (excluded(uri.getHost())) {
            return List.of(Proxy.NO_PROXY);
        }
        try {
            URI proxy = URI.create(value.contains("://") ? value.strip() : "http://" + value.strip());
            if (proxy.getHost() != null) {
                int port = proxy.getPort() >= 0 ? proxy.getPort() : 80;
                return List.of(new Proxy(Proxy.Type.HTTP, InetSocketAddress.createUnresolved(proxy.getHost(), port)));
            }
        } catch (IllegalArgumentException e) {
            // A value that is no address counts as none.
        }
        return otherwise.select(uri);
    }

    private boolean excluded(String host) {
        String list = variables.getOrDefault("no_proxy", variables.getOrDefault("NO_PROXY", ""));
        for (String entry : list.split("[,\\s]+")) {
            String domain = entry.startsWith(".") ? entry.substring(1) : entry;
            if (entry.equals("*")
                    || !domain.isEmpty()
                            && (host.equalsIgnoreCase(domain)
                                    || host.toLowerCase(Locale.ROOT).endsWith("." + domain.toLowerCase(Locale.ROOT)))) {
                return true;
            }
        }
        return false;
    }

    @Override
    public void connectFailed(URI uri, SocketAddress address, IOException failure) {
        otherwise.connectFailed(uri, address, failure);
    }
}
