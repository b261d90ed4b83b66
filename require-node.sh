# Sourced by the scripts of package.json. Ends them with one line if the only Node is older than they require.
[ -x node_modules/node/bin/node ] || case $(node --version) in
  v[0-9].* | v1[0-9].* | v2[0-3].*)
    echo "Cannot start: Node 24 or later is required; this is Node $(node --version). Node 26 comes with the packages," \
      "but npm has not run their install scripts; run: npm rebuild node --ignore-scripts=false" >&2
    exit 1
    ;;
esac
