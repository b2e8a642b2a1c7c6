import java.io.FileInputStream;
import java.io.InputStream;
import java.security.cert.CertPathBuilder;
import java.security.cert.CertStore;
import java.security.cert.CertificateFactory;
import java.security.cert.CollectionCertStoreParameters;
import java.security.cert.PKIXBuilderParameters;
import java.security.cert.PKIXCertPathBuilderResult;
import java.security.cert.TrustAnchor;
import java.security.cert.X509CertSelector;
import java.security.cert.X509Certificate;
import java.util.Set;

/** Java's PKIX (RFC 5280) over files: ANCHOR LEAF CERTIFICATES CRLS, in PEM. Each certificate of the path is held against a CRL. */
class PkixPath {
	private static final CertificateFactory X509 = factory();

	private static CertificateFactory factory() {
		try {
			return CertificateFactory.getInstance("X.509");
		} catch (Exception e) {
			throw new IllegalStateException(e);
		}
	}

	private static X509Certificate certificate(String file) throws Exception {
		try (InputStream in = new FileInputStream(file)) {
			return (X509Certificate) X509.generateCertificate(in);
		}
	}

	private static CertStore store(String file, boolean crls) throws Exception {
		try (InputStream in = new FileInputStream(file)) {
			return CertStore.getInstance("Collection",
				new CollectionCertStoreParameters(crls ? X509.generateCRLs(in) : X509.generateCertificates(in)));
		}
	}

	public static void main(String[] args) throws Exception {
		X509CertSelector leaf = new X509CertSelector();
		leaf.setCertificate(certificate(args[1]));
		PKIXBuilderParameters how = new PKIXBuilderParameters(Set.of(new TrustAnchor(certificate(args[0]), null)), leaf);
		how.addCertStore(store(args[2], false));
		how.addCertStore(store(args[3], true));
		how.setRevocationEnabled(true);
		PKIXCertPathBuilderResult found = (PKIXCertPathBuilderResult) CertPathBuilder.getInstance("PKIX").build(how);
		System.out.println("a path of " + found.getCertPath().getCertificates().size());
	}
}
