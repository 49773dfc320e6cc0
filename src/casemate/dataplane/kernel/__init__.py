"""All the I/O of the data plane: netlink, namespaces, nftables, in a helper process, and the client that talks to it."""
