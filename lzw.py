from lib import *
import decimal
r=lambda d,comp,n: None
s=S('/tmp/sceptic/w/lz'); shutil.rmtree('/tmp/sceptic/w/lz',ignore_errors=True); os.makedirs('/tmp/sceptic/w/lz')
for n,vers in ((0,'1.0'),(1,'2.0'),(3000,'1.0'),(3000,'2.0')):
    rr=rows(s,day(0),n); x=rr['id']; rr['id']=pa.array([decimal.Decimal(10)**45+(i%max(1,n-7)) for i in range(n)],pa.decimal256(50,0)); s.w(f'data/dt=2026-11-01/{n}{vers}.parquet',tab(rr),compression='lz4',data_page_version=vers); 
s.cfg(STD)
p=subprocess.run([FA,'run','--config','/tmp/sceptic/w/lz/featureaudit.yaml','--as-of','2026-11-02T00:00:00Z','--view','v','--check','duplicate-keys','--check','unreadable-file'],capture_output=True,text=True); print(p.stdout[-900:])
